#include "exporter/onnx_graph.hpp"

#include <onnx/onnx_pb.h>

#include "core/error.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kIrVersion = 7;     // ONNX 1.8
constexpr std::int64_t kOperatorSet = 13;  // ONNX 1.8

onnx::TensorProto::DataType type_of(OnnxType type) {
  return type == OnnxType::u8 ? onnx::TensorProto::UINT8 : onnx::TensorProto::FLOAT;
}

void describe(onnx::ValueInfoProto& info, const std::string& name, OnnxType type,
              const OnnxShape& shape) {
  info.set_name(name);
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type_of(type));
  for (const std::int64_t size : shape) {
    auto& dim = *tensor.mutable_shape()->add_dim();
    if (size < 0) {
      dim.set_dim_param("batch");
    } else {
      dim.set_dim_value(size);
    }
  }
}

void set(onnx::AttributeProto& out, const OnnxAttribute& value) {
  if (const auto* const whole = std::get_if<std::int64_t>(&value)) {
    out.set_type(onnx::AttributeProto::INT);
    out.set_i(*whole);
  } else if (const auto* const number = std::get_if<float>(&value)) {
    out.set_type(onnx::AttributeProto::FLOAT);
    out.set_f(*number);
  } else if (const auto* const list = std::get_if<std::vector<std::int64_t>>(&value)) {
    out.set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t one : *list) out.add_ints(one);
  } else {
    out.set_type(onnx::AttributeProto::INT);
    out.set_i(type_of(std::get<OnnxType>(value)));
  }
}

}  // namespace

struct OnnxGraph::Model {
  onnx::ModelProto proto;
};

OnnxGraph::OnnxGraph(const std::string& name) : model_(std::make_unique<Model>()) {
  onnx::ModelProto& proto = model_->proto;
  proto.set_ir_version(kIrVersion);
  proto.set_producer_name("scimix");
  proto.add_opset_import()->set_version(kOperatorSet);
  proto.mutable_graph()->set_name(name);
}

OnnxGraph::~OnnxGraph() = default;

std::string OnnxGraph::input(const std::string& name, OnnxType type, const OnnxShape& shape) {
  describe(*model_->proto.mutable_graph()->add_input(), name, type, shape);
  return name;
}

void OnnxGraph::output(const std::string& name, const std::string& value, OnnxType type,
                       const OnnxShape& shape) {
  onnx::GraphProto& graph = *model_->proto.mutable_graph();
  onnx::NodeProto& node = *graph.add_node();
  node.set_op_type("Identity");
  node.add_input(value);
  node.add_output(name);
  describe(*graph.add_output(), name, type, shape);
}

std::string OnnxGraph::constant(const std::string& name, const std::vector<float>& values,
                                const OnnxShape& shape) {
  std::int64_t count = 1;
  onnx::TensorProto& tensor = *model_->proto.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (const std::int64_t size : shape) {
    tensor.add_dims(size);
    count *= size;
  }
  SCIMIX_CHECK(count == std::ssize(values), "constant ", name, " of ", values.size(),
               " values, expected ", count);
  tensor.set_raw_data(values.data(), values.size() * sizeof(float));
  return name;
}

std::string OnnxGraph::constant(const std::string& name, const std::vector<std::int64_t>& values) {
  onnx::TensorProto& tensor = *model_->proto.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_dims(std::ssize(values));
  tensor.set_raw_data(values.data(), values.size() * sizeof(std::int64_t));
  return name;
}

std::string OnnxGraph::add(const std::string& op, const std::vector<std::string>& inputs,
                           const OnnxAttributes& attributes) {
  onnx::NodeProto& node = *model_->proto.mutable_graph()->add_node();
  const std::string result = op + "_" + std::to_string(results_++);
  node.set_op_type(op);
  node.set_name(result);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(result);
  for (const auto& [name, value] : attributes) {
    onnx::AttributeProto& attribute = *node.add_attribute();
    attribute.set_name(name);
    set(attribute, value);
  }
  return result;
}

void OnnxGraph::metadata(const std::string& key, const std::string& value) {
  auto& entry = *model_->proto.add_metadata_props();
  entry.set_key(key);
  entry.set_value(value);
}

std::string OnnxGraph::serialized() const {
  std::string bytes;
  SCIMIX_CHECK(model_->proto.SerializeToString(&bytes), "the ONNX model cannot be serialised");
  return bytes;
}

}  // namespace scimix
