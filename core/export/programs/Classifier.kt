// For an Android app. Not tested: no Android is here.
// build.gradle.kts:  dependencies { implementation("com.google.ai.edge.litert:litert:1.4.0") }
//                    android { androidResources { noCompress += "tflite" } }
// Copy the .tflite file, labels.txt and fieldguide.json to app/src/main/assets.

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Matrix
import org.json.JSONObject
import org.tensorflow.lite.DataType
import org.tensorflow.lite.Interpreter
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** What is on a picture: the most likely class, its probability, and whether that is enough to count as an answer. */
data class Answer(val label: String, val probability: Float, val sure: Boolean)

class Classifier(context: Context) {
    private val spec = JSONObject(context.assets.open("fieldguide.json").bufferedReader().readText())
    private val classes = spec.getJSONArray("classes").let { list -> List(list.length()) { list.getString(it) } }
    private val pixels = spec.getJSONObject("input").getInt("pixels")
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
        val side = minOf(picture.width, picture.height)
        val shrink = Matrix().apply { setScale(pixels.toFloat() / side, pixels.toFloat() / side) }
        val square = Bitmap.createBitmap(
            picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side, shrink, true,
        )
        val colours = IntArray(pixels * pixels).also { square.getPixels(it, 0, pixels, 0, 0, pixels, pixels) }
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
}
