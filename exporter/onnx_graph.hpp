// Builds an ONNX model (https://onnx.ai): a graph of operators with constants. The model is written
// by ONNX's own protobuf classes. Values are named by strings, and images are [N,C,H,W], as ONNX's
// operators expect.
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
  // Makes `value` an output of the model under this name.
  void output(const std::string& name, const std::string& value, OnnxType type,
              const OnnxShape& shape);
  // Adds a constant, and returns its name.
  std::string constant(const std::string& name, const std::vector<float>& values,
                       const OnnxShape& shape);
  std::string constant(const std::string& name, const std::vector<std::int64_t>& values);
  // Adds an operator with one result, and returns the name of the result.
  std::string add(const std::string& op, const std::vector<std::string>& inputs,
                  const OnnxAttributes& attributes = {});
  void metadata(const std::string& key, const std::string& value);

  // Returns the bytes of the model's file.
  [[nodiscard]] std::string serialized() const;

 private:
  struct Model;
  std::unique_ptr<Model> model_;
  int results_ = 0;
};

}  // namespace scimix
