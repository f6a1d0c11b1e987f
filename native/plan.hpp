// What Python hands over: the Plan as plain numbers (chainrule/engines/native.py writes it with the same layout).
#pragma once

#include <cstdint>

// Counted up with every change of these structures, of the functions that read them, or of the order of a catalog's codes.
constexpr int32_t INTERFACE = 2;

enum OpKind : int32_t { AFFINE, ACTIVATION, LEARNED_LEAKY, DRAWN_LEAKY, SOFTMAX, MAXOUT, DROPOUT, NORMALISE, SCALE_SHIFT, CALL };

struct ParamSpec {
  int64_t offset, to, from;  // theta[offset : offset + to * from], row by row; from = 0: a vector of `to` entries
  double rate_factor, decay_factor;
  const uint8_t* mask;  // to * from bytes, 0 where there is no parameter; or null
};

struct OpSpec {
  int32_t kind, source, target, function;  // function: the activation's code, maxout's pieces
  int32_t params[2], param_count;
  uint32_t key[2];
  int32_t unused;
  double constants[4];
};

struct PlanSpec {
  int32_t slot_count, param_count, op_count, output;
  const int64_t* widths;
  const ParamSpec* params;
  const OpSpec* ops;
  int32_t loss, loss_source, outputs, mean;  // loss: its code, -1 for a call, -2 for none; mean: 1 to divide by the weights
  double loss_share, loss_constants[2];
  int32_t rule, slot_arrays;  // rule: its code, or -1 for a call
  double rule_constants[6], l1, l2, clip_value, clip_norm;  // a clip of 0 does not clip
  int64_t size;
};

// A batch's worth of work for a record that exists in Python only. Arrays have `rows` rows; their strides are in elements.
struct CallFrame {
  int32_t what, op, training, unused;  // what: 0 forward, 1 backward, 2 loss, 3 update
  int64_t rows, step;
  const int64_t* numbers;  // of the rows in the data set
  void *source, *target, *delta_source, *delta_target;
  int64_t source_stride, target_stride;
  void *params[2], *gradients[2];
  void *losses, *factors, *y;
};
typedef int32_t (*Call)(const CallFrame*);
