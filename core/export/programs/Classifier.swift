// For an iOS app. Not tested: no Mac is here.
// Podfile:  pod 'TensorFlowLiteSwift'
// Add the .tflite file and fieldguide.json to the app's bundle.

import CoreGraphics
import Foundation
import TensorFlowLite

/// What is on a picture: the most likely class, its probability, and whether that is enough to count as an answer.
struct Answer { let label: String, probability: Float, sure: Bool }

final class Classifier {
    private struct Spec: Decodable {
        struct Framing: Decodable { let fit: String, region: [Double] }
        struct Input: Decodable { let pixels: Int, range: [Float], framing: Framing }
        let model: String, classes: [String], input: Input, not_sure_below: Float
    }

    private let spec: Spec
    private let model: Interpreter

    init(bundle: Bundle = .main) throws {
        let file = bundle.url(forResource: "fieldguide", withExtension: "json")!
        spec = try JSONDecoder().decode(Spec.self, from: Data(contentsOf: file))
        model = try Interpreter(modelPath: bundle.bundleURL.appendingPathComponent(spec.model).path)
        try model.allocateTensors()
    }

    /// What is taken out of a picture, in its pixels, and the width and height that it is scaled to.
    private func place(_ width: Int, _ height: Int) -> (CGRect, (Int, Int)) {
        let region = spec.input.framing.region, pixels = spec.input.pixels
        let (left, right) = edges(width, region[0], region[2]), (top, bottom) = edges(height, region[1], region[3])
        let across = right - left, down = bottom - top, side = min(across, down), longer = max(across, down)
        let whole = CGRect(x: left, y: top, width: across, height: down)
        switch spec.input.framing.fit {
        case "letterbox":
            let scaled = { (length: Int) in max(1, (2 * length * pixels + longer) / (2 * longer)) }
            return (whole, (scaled(across), scaled(down)))
        case "squeeze": return (whole, (pixels, pixels))
        default:
            let x = left + (across - side) / 2, y = top + (down - side) / 2
            return (CGRect(x: x, y: y, width: side, height: side), (pixels, pixels))
        }
    }

    /// Shares of a side in whole pixels, with at least one between them.
    private func edges(_ length: Int, _ low: Double, _ high: Double) -> (Int, Int) {
        let first = min(Int(Double(length) * low + 0.5), length - 1)
        return (first, max(first + 1, Int(Double(length) * high + 0.5)))
    }

    /// `picture`: upright, of any size.
    func classify(_ picture: CGImage) throws -> Answer {
        let pixels = spec.input.pixels, (box, size) = place(picture.width, picture.height)
        let seen = picture.cropping(to: box)!
        var rgba = [UInt8](repeating: 255, count: 4 * pixels * pixels)
        let context = CGContext(
            data: &rgba, width: pixels, height: pixels, bitsPerComponent: 8, bytesPerRow: 4 * pixels,
            space: CGColorSpaceCreateDeviceRGB(), bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)!
        context.setFillColor(red: 124 / 255, green: 116 / 255, blue: 104 / 255, alpha: 1)
        context.fill(CGRect(x: 0, y: 0, width: pixels, height: pixels))
        // A context counts from below: what is left over at the bottom is there one more where it is odd, as in training.
        let target = CGRect(
            x: (pixels - size.0) / 2, y: (pixels - size.1 + 1) / 2, width: size.0, height: size.1)
        context.setFillColor(red: 1, green: 1, blue: 1, alpha: 1)  // transparent pictures are laid on white, as in training
        context.fill(target)
        context.draw(seen, in: target)
        let bytes = rgba.enumerated().filter { $0.offset % 4 != 3 }.map(\.element)
        let type = try model.input(at: 0).dataType
        let low = spec.input.range[0], step = (spec.input.range[1] - low) / 255
        switch type {
        case .uInt8: try model.copy(Data(bytes), toInputAt: 0)
        case .int8: try model.copy(Data(bytes.map { $0 ^ 128 }), toInputAt: 0)
        default:
            let numbers = bytes.map { low + step * Float($0) }
            try model.copy(numbers.withUnsafeBufferPointer { Data(buffer: $0) }, toInputAt: 0)
        }
        try model.invoke()
        let data = try model.output(at: 0).data
        let probabilities: [Float]
        switch type {
        case .uInt8: probabilities = data.map { Float($0) / 256 }
        case .int8: probabilities = data.map { Float($0 ^ 128) / 256 }
        default: probabilities = data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        }
        let best = probabilities.indices.max { probabilities[$0] < probabilities[$1] }!
        return Answer(
            label: spec.classes[best], probability: probabilities[best], sure: probabilities[best] >= spec.not_sure_below)
    }
}
