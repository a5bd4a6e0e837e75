// Enumerations whose values users write by name. Each has one table of names, which is used for
// reading and writing.
//
//   enum class Fruit { apple, pear };
//   template <>
//   inline constexpr std::array<Named<Fruit>, 2> kChoiceNames<Fruit>{{{Fruit::apple, "apple"},
//   ...}};
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/names.hpp"

namespace scimix {

template <class E>
struct Named {
  E value;
  std::string_view name;
};

// The table of names of an enumeration. It is empty unless there is a specialisation.
template <class E>
inline constexpr std::array<Named<E>, 0> kChoiceNames{};

template <class E>
concept NamedEnum = (kChoiceNames<E>.size() > 0);

// Returns the name of a value, or "?" if the table lacks the value.
template <NamedEnum E>
[[nodiscard]] constexpr std::string_view name_of(E value) {
  for (const Named<E>& entry : kChoiceNames<E>) {
    if (entry.value == value) return entry.name;
  }
  return "?";
}

// Returns the names in the order of the table.
template <NamedEnum E>
[[nodiscard]] std::vector<std::string> choice_names() {
  std::vector<std::string> names;
  for (const Named<E>& entry : kChoiceNames<E>) names.emplace_back(entry.name);
  return names;
}

// Throws the user error for a word that is not in `names`. The message has all names, and the name
// that is most similar to the word. `where` is the user's text, such as "--method supervized".
[[noreturn]] inline void refuse_choice(std::string_view where, const std::string& word,
                                       const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  user_error(where, ": expected ", list, "; did you mean ", nearest_name(word, names), "?");
}

// Returns the value of this name, if there is one.
template <NamedEnum E>
[[nodiscard]] std::optional<E> find_choice(std::string_view name) {
  for (const Named<E>& entry : kChoiceNames<E>) {
    if (entry.name == name) return entry.value;
  }
  return std::nullopt;
}

// Returns the value of this name. Errors (user): no such name.
template <NamedEnum E>
[[nodiscard]] E choice_of(const std::string& name) {
  const std::optional<E> found = find_choice<E>(name);
  if (!found) refuse_choice(name, name, choice_names<E>());
  return *found;
}

}  // namespace scimix
