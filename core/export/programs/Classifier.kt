// For an Android app. Not tested: no Android is here.
// build.gradle.kts:  dependencies { implementation("com.google.ai.edge.litert:litert:1.4.0") }
//                    android { androidResources { noCompress += "tflite" } }
// Copy the .tflite file, labels.txt and fieldguide.json to app/src/main/assets.

import android.content.Context
import android.graphics.Bitmap
import org.json.JSONObject
import org.tensorflow.lite.DataType
import org.tensorflow.lite.Interpreter
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs

/** What is on a picture: the most likely class, its probability, and whether that is enough to count as an answer. */
data class Answer(val label: String, val probability: Float, val sure: Boolean)

class Classifier(context: Context) {
    private val spec = JSONObject(context.assets.open("fieldguide.json").bufferedReader().readText())
    private val classes = spec.getJSONArray("classes").let { list -> List(list.length()) { list.getString(it) } }
    private val pixels = spec.getJSONObject("input").getInt("pixels")
    private val framing = spec.getJSONObject("input").getJSONObject("framing")
    private val fit = framing.getString("fit")
    private val region = framing.getJSONArray("region").let { list -> List(4) { list.getDouble(it) } }
    private val range = spec.getJSONObject("input").getJSONArray("range")
    private val low = range.getDouble(0).toFloat()
    private val step = (range.getDouble(1).toFloat() - low) / 255f
    private val model = Interpreter(
        context.assets.open(spec.getString("model")).readBytes().let { bytes ->
            ByteBuffer.allocateDirect(bytes.size).order(ByteOrder.nativeOrder()).put(bytes).apply { rewind() }
        },
        Interpreter.Options().setNumThreads(4),
    )
    private val type = model.getInputTensor(0).dataType()

    /** `picture`: upright, of any size. */
    fun classify(picture: Bitmap): Answer {
        val colours = square(picture)
        val size = if (type == DataType.FLOAT32) 4 else 1
        val input = ByteBuffer.allocateDirect(3 * size * colours.size).order(ByteOrder.nativeOrder())
        for (colour in colours) for (shift in listOf(16, 8, 0)) {
            val byte = colour shr shift and 0xFF
            when (type) {
                DataType.UINT8 -> input.put(byte.toByte())
                DataType.INT8 -> input.put((byte - 128).toByte())
                else -> input.putFloat(low + step * byte)
            }
        }
        val output = ByteBuffer.allocateDirect(size * classes.size).order(ByteOrder.nativeOrder())
        model.run(input.apply { rewind() }, output)
        output.rewind()
        val probabilities = List(classes.size) {
            when (type) {
                DataType.UINT8 -> (output.get().toInt() and 0xFF) / 256f
                DataType.INT8 -> (output.get() + 128) / 256f
                else -> output.getFloat()
            }
        }
        val best = probabilities.indices.maxBy { probabilities[it] }
        return Answer(classes[best], probabilities[best], probabilities[best] >= spec.getDouble("not_sure_below"))
    }

    /** What is taken out of a picture, in its pixels, and the width and height that it is scaled to. */
    private data class Place(val left: Int, val top: Int, val across: Int, val down: Int, val wide: Int, val high: Int)

    private fun place(width: Int, height: Int): Place {
        val (left, right) = edges(width, region[0], region[2])
        val (top, bottom) = edges(height, region[1], region[3])
        val across = right - left
        val down = bottom - top
        val side = minOf(across, down)
        val longer = maxOf(across, down)
        fun scaled(length: Int) = maxOf(1, (2 * length * pixels + longer) / (2 * longer))
        return when (fit) {
            "letterbox" -> Place(left, top, across, down, scaled(across), scaled(down))
            "squeeze" -> Place(left, top, across, down, pixels, pixels)
            else -> Place(left + (across - side) / 2, top + (down - side) / 2, side, side, pixels, pixels)
        }
    }

    /** Shares of a side in whole pixels, with at least one between them. */
    private fun edges(length: Int, low: Double, high: Double): Pair<Int, Int> {
        val first = minOf((length * low + 0.5).toInt(), length - 1)
        return first to maxOf(first + 1, (length * high + 0.5).toInt())
    }

    /**
     * What the model sees, scaled as in training, which Android's own scaling is not: Pillow's bilinear filter lets every
     * pixel count, across, then down, rounded to bytes between.
     */
    private fun square(picture: Bitmap): IntArray {
        val placed = place(picture.width, picture.height)
        val across = shares(picture.width, placed.left, placed.across, placed.wide)
        val row = IntArray(picture.width)
        val narrow = Array(picture.height) { y ->
            picture.getPixels(row, 0, picture.width, 0, y, picture.width, 1)
            for (x in row.indices) row[x] = onWhite(row[x])
            IntArray(placed.wide) { x -> across[x].let { (first, weights) -> mix(weights) { row[first + it] } } }
        }
        val down = shares(picture.height, placed.top, placed.down, placed.high)
        val left = (pixels - placed.wide) / 2
        val top = (pixels - placed.high) / 2
        return IntArray(pixels * pixels) { at ->
            val x = at % pixels - left
            val y = at / pixels - top
            if (x !in 0 until placed.wide || y !in 0 until placed.high) return@IntArray BORDER
            val (first, weights) = down[y]
            mix(weights) { narrow[first + it][x] }
        }
    }

    /** Transparent pictures are laid on white, as in training. */
    private fun onWhite(colour: Int): Int {
        val alpha = colour ushr 24
        if (alpha == 255) return colour
        fun laid(shift: Int) = ((colour shr shift and 0xFF) * alpha + 255 * (255 - alpha) + 127) / 255
        return (laid(16) shl 16) or (laid(8) shl 8) or laid(0)
    }

    /**
     * For each of `count` pixels to make of a part of a row or column, which begins at `start` and is `length` long: the
     * first pixel that counts, and the shares of it and of those after it.
     */
    private fun shares(size: Int, start: Int, length: Int, count: Int): List<Pair<Int, IntArray>> {
        val scale = length.toDouble() / count
        val support = maxOf(scale, 1.0)
        return List(count) { at ->
            val centre = start + (at + 0.5) * scale
            val first = maxOf(0, (centre - support + 0.5).toInt())
            val end = minOf(size, (centre + support + 0.5).toInt())
            val heights = DoubleArray(end - first) { maxOf(0.0, 1 - abs(first + it - centre + 0.5) / support) }
            val sum = heights.sum()
            first to IntArray(heights.size) { (0.5 + heights[it] / sum * (1 shl BITS)).toInt() }
        }
    }

    /** The mean of some colours, by their shares. */
    private inline fun mix(weights: IntArray, colour: (Int) -> Int): Int {
        val half = 1 shl (BITS - 1)
        var red = half
        var green = half
        var blue = half
        for (i in weights.indices) {
            val one = colour(i)
            red += weights[i] * (one shr 16 and 0xFF)
            green += weights[i] * (one shr 8 and 0xFF)
            blue += weights[i] * (one and 0xFF)
        }
        return (red shr BITS shl 16) or (green shr BITS shl 8) or (blue shr BITS)
    }

    private companion object {
        const val BITS = 22
        const val BORDER = 0x7C7468
    }
}
