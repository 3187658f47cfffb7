// For an ESP32 or another large microcontroller. Not tested: no board is here.
// Library: LiteRT for microcontrollers ("TensorFlowLite_ESP32", "Chirale_TensorFLowLite" or the maker's own).
// The memory that the model works in (arena) must fit: with less, AllocateTensors says so.

#include "model_data.h"
#include "tensorflow/lite/micro/all_ops_resolver.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"

constexpr int kArena = 300 * 1024;
alignas(16) static uint8_t arena[kArena];
static tflite::MicroInterpreter *model;

void setup() {
  Serial.begin(115200);
  static tflite::AllOpsResolver operations;
  static tflite::MicroInterpreter interpreter(tflite::GetModel(model_data), operations, arena, kArena);
  model = &interpreter;
  if (model->AllocateTensors() != kTfLiteOk) Serial.println("The arena is too small.");
}

// `rgb`: what the model wants to see of a picture (README.txt), at its size, row by row; returns the place of the answer in labels.txt.
int classify(const uint8_t *rgb) {
  TfLiteTensor *input = model->input(0);
  for (size_t i = 0; i < input->bytes; i++) input->data.int8[i] = (int8_t)(rgb[i] - 128);  // the kind int8
  if (model->Invoke() != kTfLiteOk) return -1;
  TfLiteTensor *output = model->output(0);
  int best = 0;
  for (size_t i = 1; i < output->bytes; i++)
    if (output->data.int8[i] > output->data.int8[best]) best = i;
  return best;
}

void loop() {
  // Take a picture with the board's camera, scale it, and call classify().
}
