// What Python hands over: a program is an array of operations on values; a value is `elements` floats for each image.
// Every field is an int64, a double or a pointer, so that the layout is the same for every compiler. structures.py reads this file:
// a structure has a field or several of one type in each line, and no other braces.
#pragma once

#include <cstdint>

namespace shiftassay {

// Every operation once: its name, and the functions that run it, <function>_forward and <function>_backward.
#define SHIFTASSAY_OPERATIONS(X)   \
    X(convolution, stage)          \
    X(linear, dense)               \
    X(relu, relu)                  \
    X(pool, pool)                  \
    X(dropout, dropout)            \
    X(pad, pad)                    \
    X(coordinates, coordinates)    \
    X(sample, sample)              \
    X(attention, attention)        \
    X(across, across)              \
    X(transform, transform)        \
    X(encode, encode)

// convolution fuses [channel dropout], [max-pooling] and [ReLU]; linear [ReLU] and [dropout]; across is attention from image to image
// of a batch; encode adds learned vectors to positions.
enum Kind : int64_t {
#define SHIFTASSAY_KIND(name, function) kind_##name,
    SHIFTASSAY_OPERATIONS(SHIFTASSAY_KIND)
#undef SHIFTASSAY_KIND
};

struct Operation {
    int64_t kind;
    int64_t input, other, output;  // values; `other` is the sampler's theta, else -1
    int64_t channels, height, width;
    int64_t outputs;                      // channels or units out
    int64_t kernel_height, kernel_width;  // of a convolution
    int64_t output_height, output_width;  // of a sampler
    int64_t pad_top, pad_left;            // rows above and below, columns left and right
    int64_t pool;                         // side of the pooling window, 0 for none
    int64_t relu;
    int64_t dropout;            // row of the dropout table, or -1
    int64_t channelwise;        // of a dropout: whether a mask is a channel's
    int64_t heads;              // of attention
    int64_t transform;          // 0: affine, 1: similarity, 2: translation
    int64_t appended;           // channels of coordinates
    int64_t constant_channels;  // of a convolution's input, which need no gradient
    int64_t constants;          // of coordinates, transform and sampler: an offset into the program's constants, else -1
    int64_t parameters[8];      // offsets into the flat buffer, or -1
};

struct Dropout {
    int64_t units;      // masks of one image
    int64_t positions;  // consecutive elements that share a mask
    int64_t threshold;  // keep where a 16-bit field is at least this
    double scale;
};

struct Program {
    const Operation* operations;
    int64_t operation_count;
    const int64_t* elements;  // of each value; value 0 is the image
    int64_t value_count;
    const Dropout* dropouts;
    int64_t dropout_count;
    const float* constants;  // what operations need beside parameters: coordinates, sampling grids
    int64_t constant_count;
    int64_t parameter_count;
    int64_t output;  // the value that holds the logits
    int64_t log_probabilities;
    int64_t channels;  // of the image, for the normalisation
};

struct Images {
    const void* pixels;
    int64_t bytes;  // 1: uint8, a pixel is value / 255; 0: float32
    const float* mean;
    const float* deviation;
};

struct Optimizer {
    int64_t kind;  // 0: SGD, 1: AdamW
    double momentum, weight_decay, beta1, beta2, epsilon;
    double clip_norm;  // 0: none
    int64_t steps_before;
    float* first;   // momentum or first moment
    float* second;  // second moment
};

struct Training {
    Images images;
    const int64_t* labels;
    const int64_t* order;
    int64_t order_length, batch, first_step, steps;
    const uint64_t* keys;
    const float* learning_rates;
    double label_smoothing;
    Optimizer optimizer;
    float* parameters;
    float* gradient;  // where given, the last step's gradient is written here and nothing is updated
    double* losses;
    int64_t* right;
    int64_t threads;
    int64_t flush_denormals;
};

struct Evaluation {
    Images images;
    int64_t count, batch;  // `batch` images see each other, where the network lets them
    const float* parameters;
    float* logits;
    int64_t threads;
    int64_t flush_denormals;
};

}  // namespace shiftassay
