// The list of tables: the runs of each row of each table, and the paper's figures. It is read from
// configs/tables.toml, whose first lines explain how to add a row.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/choice.hpp"
#include "settings/setting_layers.hpp"

namespace scimix {

// The figures that a row reports.
enum class TableMeasure {
  accuracy,            // test accuracy of the classifier
  generator_accuracy,  // test accuracy of the generator's own classifier
  transfer,            // s_c and s_r of hybrids
};
template <>
inline constexpr std::array<Named<TableMeasure>, 3> kChoiceNames<TableMeasure>{
    {{TableMeasure::accuracy, "accuracy"},
     {TableMeasure::generator_accuracy, "generator-accuracy"},
     {TableMeasure::transfer, "transfer"}}};

// A figure of the paper, in %. Some figures have no standard deviation.
struct PaperFigure {
  double mean = 0;
  std::optional<double> std;
};

// The runs of a row. Rows of several tables can refer to the same runs, which are trained only
// once.
struct TableRuns {
  std::string name;                    // also the name of their folder
  std::vector<SettingLayer> settings;  // of the classifier, the weakest layer first
  std::string generator;               // name in TableList::generators; empty: none
  SettingPlace place;
};

struct TableRow {
  std::string table;     // name of the table
  std::size_t runs = 0;  // index in TableList::runs
  std::string title;     // name of the row in the table
  std::string baseline;  // name of the runs to compare with, seed by seed; empty: none
  std::string mixer;     // mixer whose hybrids `transfer` measures: SciMix, MixUp, AdaIN, FDA
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
  // Settings of generators, by name. Data and labels are those of the row that uses the generator.
  std::map<std::string, std::vector<SettingLayer>> generators;
  // Settings of the oracle. Its data are those of the row, with all labels.
  std::vector<SettingLayer> oracle;

  // Returns the index of the runs of this name, or -1.
  [[nodiscard]] int find_runs(const std::string& name) const;
};

// Reads a list. Errors (user), each with file and line: invalid TOML; an unknown key, set,
// generator, table or row; a repeated name; a row without title, name or table; a value of another
// type or outside its range.
[[nodiscard]] TableList read_table_list(const std::filesystem::path& file);

}  // namespace scimix
