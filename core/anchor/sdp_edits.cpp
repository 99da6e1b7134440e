// What of an SDP is taken out and put in because the options say so: attribute lines (sdp-attr), and whole m=
// lines of an offer (sdp-media-remove), which the answer then refuses in their places.
#include <strings.h>

#include <algorithm>

#include "core/anchor/rewrite.hpp"
#include "core/base/text.hpp"

namespace tandem::anchor {
namespace {

// The line's name, name with the first word of its value, or all of it.
bool is_meant(std::string_view line, std::string_view what) {
  if (!line.starts_with("a=") || what.empty()) return false;
  line.remove_prefix(2);
  if (line.size() < what.size() || strncasecmp(line.data(), what.data(), what.size()) != 0) return false;
  const std::string_view rest = line.substr(what.size());
  return rest.empty() || rest.front() == ' ' ||
         (rest.front() == ':' && what.find(':') == std::string_view::npos);
}

void edit_lines(std::vector<std::string>& lines, const AttributeEdit& edit) {
  if (edit.act == AttributeEdit::Act::remove) {
    std::erase_if(lines, [&](const std::string& line) { return is_meant(line, edit.what); });
  } else if (edit.act == AttributeEdit::Act::substitute) {
    for (std::string& line : lines)
      if (is_meant(line, edit.what)) line = "a=" + edit.with;
  } else if (std::find(lines.begin(), lines.end(), "a=" + edit.what) == lines.end()) {
    lines.push_back("a=" + edit.what);
  }
}

}  // namespace

void edit_attributes(SdpText& text, const std::vector<AttributeEdit>& edits) {
  for (const AttributeEdit& edit : edits) {
    if (edit.kind.empty()) edit_lines(text.session, edit);
    for (SdpText::Section& section : text.sections)
      if (!edit.kind.empty() && same_name(section.media.substr(0, section.media.find(' ')), edit.kind))
        edit_lines(section.lines, edit);
  }
}

void note_removed(const SdpText& offer, std::vector<OfferedSection>& sections) {
  for (std::size_t i = 0; i < sections.size() && i < offer.sections.size(); ++i) {
    if (sections[i].how != OfferedSection::How::removed) continue;
    const std::string& media = offer.sections[i].media;  // "video 40000 RTP/AVP 96"
    const std::size_t port = std::min(media.find(' '), media.size());
    const std::size_t after = std::min(media.find(' ', port + 1), media.size());
    sections[i].removed = media.substr(0, port) + " 0" + media.substr(after);
  }
}

SdpText with_removed(SdpText answer, const std::vector<OfferedSection>& sections) {
  for (std::size_t i = 0; i < sections.size(); ++i)
    if (sections[i].how == OfferedSection::How::removed && i <= answer.sections.size())
      answer.sections.insert(answer.sections.begin() + static_cast<std::ptrdiff_t>(i),
                             {sections[i].removed, {}});
  return answer;
}

}  // namespace tandem::anchor
