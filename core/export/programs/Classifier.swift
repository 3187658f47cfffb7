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
        struct Input: Decodable { let pixels: Int, range: [Float] }
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

    /// `picture`: upright, of any size.
    func classify(_ picture: CGImage) throws -> Answer {
        let pixels = spec.input.pixels, side = min(picture.width, picture.height)
        let square = picture.cropping(to: CGRect(
            x: (picture.width - side) / 2, y: (picture.height - side) / 2, width: side, height: side))!
        var rgba = [UInt8](repeating: 255, count: 4 * pixels * pixels)
        let context = CGContext(
            data: &rgba, width: pixels, height: pixels, bitsPerComponent: 8, bytesPerRow: 4 * pixels,
            space: CGColorSpaceCreateDeviceRGB(), bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)!
        context.draw(square, in: CGRect(x: 0, y: 0, width: pixels, height: pixels))
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
