// Builds an ONNX model (https://onnx.ai), which is a graph of operators and constants. The protobuf
// classes of the ONNX library serialise the model. A string names each value, which is an input, a
// constant or the result of an operator. Images are [N,C,H,W], as ONNX's operators expect.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace scimix {

using OnnxShape = std::vector<std::int64_t>;  // -1: the batch, of any size

enum class OnnxType { u8, f32 };

// An attribute of an operator: a number, a list of whole numbers, or a type that values are cast
// to.
using OnnxAttribute = std::variant<std::int64_t, float, std::vector<std::int64_t>, OnnxType>;
using OnnxAttributes = std::vector<std::pair<std::string, OnnxAttribute>>;

class OnnxGraph {
 public:
  explicit OnnxGraph(const std::string& name);
  ~OnnxGraph();
  OnnxGraph(const OnnxGraph&) = delete;
  OnnxGraph& operator=(const OnnxGraph&) = delete;

  // Declares an input, and returns its name.
  std::string input(const std::string& name, OnnxType type, const OnnxShape& shape);
  // Makes the value with the name `value` an output of the model. The output is called `name`.
  void output(const std::string& name, const std::string& value, OnnxType type,
              const OnnxShape& shape);
  // Adds a constant, and returns its name.
  std::string constant(const std::string& name, const std::vector<float>& values,
                       const OnnxShape& shape);
  std::string constant(const std::string& name, const std::vector<std::int64_t>& values);
  // Adds an operator that has one result. `op` is the operator's name in ONNX, such as "Conv", and
  // `inputs` are the names of its input values. Returns the name of the result.
  std::string add(const std::string& op, const std::vector<std::string>& inputs,
                  const OnnxAttributes& attributes = {});
  // Adds a pair of a key and a value to the model's metadata, which every reader of ONNX can show.
  void metadata(const std::string& key, const std::string& value);

  // Returns the bytes of the model's file.
  [[nodiscard]] std::string serialized() const;

 private:
  struct Model;
  std::unique_ptr<Model> model_;
  int results_ = 0;  // number of calls of add(), which makes the names of results unique
};

}  // namespace scimix
