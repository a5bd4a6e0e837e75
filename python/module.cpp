// The module scimix._core: the C++ part of the Python package scimix.
#include <nanobind/nanobind.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "core/error.hpp"
#include "core/threads.hpp"
#include "data/dataset.hpp"
#include "python/networks.hpp"
#include "python/training.hpp"
#include "settings/run_kinds.hpp"
#include "settings/settings.hpp"
#include "tools/train/train_command.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace scimix::python;

namespace {

constexpr std::int64_t kMostThreads = 4096;  // as of --threads

nb::dict images_of(scimix::ImageSet& set) {
  const auto size = [](std::int64_t value) { return static_cast<std::size_t>(value); };
  nb::dict out;
  out["images"] =
      numpy_array(std::move(set.pixels), {size(set.count), size(set.height), size(set.width), 3});
  out["labels"] = numpy_array(std::move(set.labels), {size(set.count)});
  return out;
}

// Reads a data set. `arguments` are data settings as the programs take them: "--dataset=digits".
nb::dict load_dataset(const std::vector<std::string>& arguments) {
  scimix::Dataset dataset;
  {
    const nb::gil_scoped_release released;
    const scimix::AskedRun asked = scimix::read_command(scimix::classifier_kind(), arguments);
    const scimix::DataSettings data = scimix::classifier_table().config(asked.values).data;
    scimix::python::run_in_any_process([&] {
      dataset = scimix::load_dataset(data.dataset, data.data_dir, scimix::dataset_options(data));
    });
  }
  nb::dict out;
  out["train"] = images_of(dataset.train);
  out["test"] = images_of(dataset.test);
  out["class_names"] = dataset.class_names;
  return out;
}

// Raises ValueError for a user's mistake, and RuntimeError for a bug.
void translate(const std::exception_ptr& thrown, void* /*unused*/) {
  try {
    std::rethrow_exception(thrown);
  } catch (const scimix::Error& error) {
    const bool user = error.fault() == scimix::Fault::user;
    PyErr_SetString(user ? PyExc_ValueError : PyExc_RuntimeError, error.what());
  }
}

constexpr const char* kMixHelp =
    R"(Return hybrids: the class of each content image in the scene of the scene image.

content, scene: images [N,R,R,3] with R = image_size, of one element type: uint8 from 0 to 255, or float32 or
    float64 from 0 to 1. NumPy arrays, or tensors with DLPack in the memory of the CPU, which are read where
    they lie.
batch: number of images that are computed at a time, for images of up to 32x32 pixels; larger images have
    proportionally smaller batches.

Returns a new NumPy array [N,R,R,3] of the element type of `content`, clamped to its range.
Raises ValueError for another shape, element type or range.)";

constexpr const char* kLogitsHelp =
    R"(Return the logits of images: one number per class, before the softmax.

images: [N,R,R,3] with R = image_size: uint8 from 0 to 255, or float32 or float64 from 0 to 1. A NumPy array, or
    a tensor with DLPack in the memory of the CPU, which is read where it lies.
batch: number of images that are computed at a time, for images of up to 32x32 pixels; larger images have
    proportionally smaller batches.

Returns a NumPy array, float32 [N,classes].
Raises ValueError for another shape, element type or range.)";

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "The C++ part of scimix.";
  nb::register_exception_translator(translate);

  nb::class_<Generator>(m, "Generator", "A trained generator: the averaged networks of a run.")
      .def_static(
          "load",
          [](const std::filesystem::path& run, const std::string& device) {
            return new Generator(run, device);
          },
          "run"_a, "device"_a = "auto",
          "Load a generator from a run folder, of which the newest checkpoint is taken, or from a "
          "checkpoint.\n\ndevice: auto, cpu or cuda:N.")
      // With none(), None reaches the function, whose message names it.
      .def("mix", &Generator::mix, "content"_a.none(), "scene"_a.none(), nb::kw_only(),
           "batch"_a = 250, kMixHelp,
           nb::sig("def mix(self, content: object, scene: object, *, batch: int = 250) -> "
                   "numpy.typing.NDArray"))
      .def_prop_ro("image_size", &Generator::image_size, "Side of the images, in pixels.")
      .def_prop_ro("class_names", &Generator::class_names, "Names of the classes, by number.")
      .def_prop_ro("checkpoint", &Generator::checkpoint, "Path of the checkpoint.");

  nb::class_<Classifier>(m, "Classifier", "A trained classifier: the averaged network of a run.")
      .def_static(
          "load",
          [](const std::filesystem::path& run, const std::string& device) {
            return new Classifier(run, device);
          },
          "run"_a, "device"_a = "auto",
          "Load a classifier from a run folder, of which the newest checkpoint is taken, or from a "
          "checkpoint. A generator's run gives its own classifier.\n\ndevice: auto, cpu or cuda:N.")
      .def("__call__", &Classifier::logits, "images"_a.none(), nb::kw_only(), "batch"_a = 250,
           kLogitsHelp,
           nb::sig("def __call__(self, images: object, *, batch: int = 250) -> "
                   "numpy.typing.NDArray[numpy.float32]"))
      .def_prop_ro("image_size", &Classifier::image_size, "Side of the images, in pixels.")
      .def_prop_ro("class_names", &Classifier::class_names, "Names of the classes, by number.")
      .def_prop_ro("checkpoint", &Classifier::checkpoint, "Path of the checkpoint.");

  m.def("load_dataset", &load_dataset, "arguments"_a);
  m.def("train", &train, "kind"_a, "arguments"_a, "on_progress"_a.none(), "verbose"_a);
  m.def(
      "use_threads",
      [](std::int64_t count) {
        if (count < 0 || count > kMostThreads) {
          scimix::user_error("count: found ", count, ", expected 0 to ", kMostThreads);
        }
        scimix::use_threads(static_cast<int>(count));
      },
      "count"_a,
      "Compute with this many threads from now on, in the calling thread. 0: the default.");
}
