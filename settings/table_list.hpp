// The list of tables: which runs make each row of each table, and what the paper has there. One
// TOML file, configs/tables.toml, which says at its head how to add a row.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/choice.hpp"
#include "settings/layers.hpp"

namespace scimix {

// What a row reports.
enum class TableMeasure {
  accuracy,            // of the classifier, on test images
  generator_accuracy,  // of the generator's own classifier
  transfer,            // s_c and s_r of hybrids
};
template <>
inline constexpr std::array<Named<TableMeasure>, 3> kChoiceNames<TableMeasure>{
    {{TableMeasure::accuracy, "accuracy"},
     {TableMeasure::generator_accuracy, "generator-accuracy"},
     {TableMeasure::transfer, "transfer"}}};

// A figure of the paper, in %. The paper has no standard deviation for some.
struct PaperFigure {
  double mean = 0;
  std::optional<double> std;
};

// The runs of a row. Rows of several tables may be of one entry, which is trained once.
struct TableRuns {
  std::string name;                    // folders bear it
  std::vector<SettingLayer> settings;  // of the classifier, the weakest layer first
  std::string generator;               // its name in TableList::generators; empty: none
  SettingPlace place;
};

struct TableRow {
  std::string table;     // its name
  std::size_t runs = 0;  // position in TableList::runs
  std::string title;     // what the row is called
  std::string baseline;  // runs that this row is compared with, seed by seed; empty: none
  std::string mixer;     // whose hybrids `transfer` measures: SciMix, MixUp, AdaIN, FDA
  std::vector<TableMeasure> measures;
  std::optional<PaperFigure> paper;  // of the accuracy
  std::optional<PaperFigure> paper_s_c;
  std::optional<PaperFigure> paper_s_r;

  [[nodiscard]] bool has(TableMeasure measure) const;
};

struct TableList {
  struct Table {
    std::string name;
    std::string title;
  };
  std::filesystem::path file;
  std::vector<Table> tables;  // in the order of the file
  std::vector<TableRuns> runs;
  std::vector<TableRow> rows;
  // Settings of generators, by name; data and labels are those of the row that asks for one.
  std::map<std::string, std::vector<SettingLayer>> generators;
  // Settings of the classifier that judges hybrids; its data are those of the row, with all labels.
  std::vector<SettingLayer> oracle;

  // Returns the position of these runs, or -1.
  [[nodiscard]] int find_runs(const std::string& name) const;
};

// Reads a list. Errors (user), each with file and line: no TOML; a key, set, generator, table or
// row that there is not; a name twice; a row without title, name or table; a value of another type
// or outside its range.
[[nodiscard]] TableList read_table_list(const std::filesystem::path& file);

}  // namespace scimix
