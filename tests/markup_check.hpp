// Whether HTML or SVG is well-formed, as far as what this project writes goes.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace scimix::test {

// "" where every element is closed in order, attributes are in double quotes, and < and & stand for
// nothing but markup; else what is wrong. <style> may hold anything.
class MarkupCheck {
 public:
  explicit MarkupCheck(std::string text) : text_(std::move(text)) {}

  std::string fault() {
    while (fault_.empty() && at_ < text_.size()) {
      if (text_[at_] == '<') {
        tag();
      } else {
        character();
      }
    }
    if (fault_.empty() && !open_.empty()) fault_ = "not closed: " + open_.back();
    return fault_;
  }

 private:
  void character() {
    if (text_[at_] == '&') {
      const std::size_t end = text_.find(';', at_);
      const std::string name = text_.substr(at_ + 1, end - at_ - 1);
      static const std::set<std::string> known{"amp", "lt", "gt", "quot", "#39"};
      if (!known.contains(name)) fault_ = "& stands alone: " + text_.substr(at_, 20);
    }
    ++at_;
  }

  void tag() {
    if (text_.compare(at_, 2, "<!") == 0) {
      at_ = text_.find('>', at_) + 1;
      return;
    }
    const bool closes = text_[at_ + 1] == '/';
    at_ += closes ? 2 : 1;
    const std::size_t end = text_.find_first_of(" />\n", at_);
    const std::string name = text_.substr(at_, end - at_);
    at_ = end;
    const bool empty = attributes();
    static const std::set<std::string> void_elements{"meta", "img", "wbr"};
    if (closes) {
      if (open_.empty() || open_.back() != name) fault_ = "closed, but not open: " + name;
      if (!open_.empty()) open_.pop_back();
    } else if (!empty && !void_elements.contains(name)) {
      open_.push_back(name);
    }
    if (name == "style" && !closes) at_ = text_.find("</style>", at_);
  }

  // Up to the end of the tag. True for <x/>.
  bool attributes() {
    std::set<std::string> seen;
    while (at_ < text_.size() && text_[at_] != '>' && fault_.empty()) {
      if (text_.compare(at_, 2, "/>") == 0) {
        at_ += 2;
        return true;
      }
      if (text_[at_] == ' ') {
        ++at_;
        continue;
      }
      const std::size_t equals = text_.find_first_of("= />", at_);
      const std::string name = text_.substr(at_, equals - at_);
      if (text_.compare(equals, 2, "=\"") != 0) {
        fault_ = "attribute without quotes: " + name;
        return false;
      }
      if (!seen.insert(name).second) fault_ = "attribute twice: " + name;
      at_ = equals + 2;
      while (fault_.empty() && at_ < text_.size() && text_[at_] != '"') {
        if (text_[at_] == '<') fault_ = "< in an attribute: " + name;
        character();
      }
      ++at_;
    }
    ++at_;
    return false;
  }

  std::string text_;
  std::size_t at_ = 0;
  std::vector<std::string> open_;
  std::string fault_;
};

inline std::string markup_fault(const std::string& text) {
  return MarkupCheck(text).fault();
}

}  // namespace scimix::test
