#include "core/api/anchor_json.hpp"

#include <algorithm>

namespace tandem::api::anchor_json {
namespace {

using anchor::CodecOptions;
using anchor::MuxOptions;
using anchor::Options;

constexpr const char* kList = R"({"type":"array","maxItems":128,"items":{"type":"string","maxLength":512}})";

// Each option by its name in JSON, once: its schema and what it is read into are both made from here.
template <typename Of, typename Type>
struct Named {
  const char* name;
  Type Of::*place;
};
struct NamedText {
  const char* name;
  std::string Options::*place;
  unsigned bytes_max;
};
using Texts = std::vector<std::string>;

constexpr Named<Options, bool> kFlags[] = {
    {"sip_source_address", &Options::sip_source_address},
    {"asymmetric", &Options::asymmetric},
    {"always_transcode", &Options::always_transcode},
    {"force_transcoding", &Options::force_transcoding},
    {"single_codec", &Options::single_codec},
    {"ice_reject", &Options::ice_reject},
    {"no_rtcp_attribute", &Options::no_rtcp_attribute},
    {"full_rtcp_attribute", &Options::full_rtcp_attribute},
    {"loop_protect", &Options::loop_protect},
    {"block_digits", &Options::block_dtmf},
    {"record", &Options::record},
    {"srtp_keep_offered", &Options::srtp_keep_offered},
    {"srtp_padded", &Options::srtp_padded},
    {"srtp_lifetime", &Options::srtp_lifetime},
    {"srtp_fixed", &Options::srtp_fixed},
    {"srtp_unencrypted", &Options::srtp_unencrypted},
    {"srtcp_unencrypted", &Options::srtcp_unencrypted},
    {"srtp_unauthenticated", &Options::srtp_unauthenticated},
};
constexpr NamedText kTexts[] = {
    {"media_address", &Options::media_address, 64},
    {"received_from", &Options::received_from, 64},
    {"transport", &Options::transport, 32},
    {"metadata", &Options::metadata, 4096},
};
constexpr Named<Options, Texts> kLists[] = {
    {"interfaces", &Options::direction},      {"srtp_only", &Options::srtp_only},
    {"srtp_without", &Options::srtp_without}, {"srtp_order", &Options::srtp_order},
    {"srtp_prefer", &Options::srtp_prefer},   {"media_remove", &Options::media_remove},
    {"extmap_strip", &Options::extmap_strip},
};
constexpr Named<CodecOptions, Texts> kCodecLists[] = {
    {"strip", &CodecOptions::strip},     {"offer", &CodecOptions::offer},
    {"except", &CodecOptions::except},   {"mask", &CodecOptions::mask},
    {"consume", &CodecOptions::consume}, {"accept", &CodecOptions::accept},
    {"ignore", &CodecOptions::ignore},   {"transcode", &CodecOptions::transcode},
    {"set", &CodecOptions::set},
};
constexpr Named<MuxOptions, bool> kMuxWords[] = {
    {"offer", &MuxOptions::offer},   {"require", &MuxOptions::require}, {"demux", &MuxOptions::demux},
    {"accept", &MuxOptions::accept}, {"reject", &MuxOptions::reject},
};
constexpr Named<Options, bool> kReplaceWords[] = {
    {"origin", &Options::replace_origin},
    {"username", &Options::replace_username},
    {"session_name", &Options::replace_session_name},
    {"zero_address", &Options::replace_zero_address},
    {"force_increment_version", &Options::force_increment_version},
};
constexpr Named<Options, unsigned> kPtimes[] = {{"ptime_ms", &Options::ptime_ms},
                                                {"ptime_reverse_ms", &Options::ptime_reverse_ms}};

template <typename Table>
std::string word_list(const char* name, const Table& table) {
  std::string words;
  for (const auto& one : table) words += (words.empty() ? "\"" : ",\"") + std::string(one.name) + "\"";
  return "\"" + std::string(name) + R"(":{"type":"array","maxItems":8,"items":{"enum":[)" + words + "]}}";
}

template <typename Table, typename Into>
void read_words(const Json& params, const char* name, const Table& table, Into& into) {
  const auto words = texts(params, name);
  for (const auto& one : table)
    into.*one.place = std::find(words.begin(), words.end(), one.name) != words.end();
}

std::string make_option_properties() {
  std::string out;
  const auto add_one = [&out](const char* name, const std::string& what) {
    out += (out.empty() ? "\"" : ",\"") + std::string(name) + "\":" + what;
  };
  for (const auto& one : kLists) add_one(one.name, kList);
  for (const auto& one : kTexts)
    add_one(one.name, R"({"type":"string","maxLength":)" + std::to_string(one.bytes_max) + "}");
  for (const auto& one : kFlags) add_one(one.name, R"({"type":"boolean"})");
  for (const auto& one : kPtimes) add_one(one.name, R"({"type":"integer","minimum":0,"maximum":60})");
  add_one("address_family", R"({"enum":["IP4","IP6"]})");
  add_one("ice", R"({"enum":["default","force","remove"]})");
  add_one("tos", R"({"type":"integer","minimum":0,"maximum":255})");
  std::string codec_lists;
  for (const auto& one : kCodecLists)
    codec_lists += (codec_lists.empty() ? "\"" : ",\"") + std::string(one.name) + "\":" + kList;
  add_one("codecs", R"({"type":"object","properties":{)" + codec_lists + "}}");
  return out + "," + key_properties() + "," + sdp_edit_properties() + "," + word_list("rtcp_mux", kMuxWords) +
         "," + word_list("replace", kReplaceWords);
}

}  // namespace

const std::string& who_properties() {
  static const std::string text =
      R"("call_id":{"type":"string","minLength":1,"maxLength":1024},"from_tag":{"type":"string","maxLength":1024},
       "to_tag":{"type":"string","maxLength":1024},"via_branch":{"type":"string","maxLength":1024},
       "label":{"type":"string","maxLength":1024},"to_label":{"type":"string","maxLength":1024},
       "address":{"type":"string","maxLength":64})";
  return text;
}

const std::string& option_properties() {
  static const std::string text = make_option_properties();
  return text;
}

std::string schema(const std::string& properties, const char* required) {
  return "{\"properties\":{" + properties + "},\"required\":" + required + "}";
}

anchor::Selector selector_of(const Json& params) {
  return {text_at(params, "call_id"),    text_at(params, "from_tag"), text_at(params, "to_tag"),
          text_at(params, "via_branch"), text_at(params, "label"),    text_at(params, "to_label"),
          text_at(params, "address")};
}

std::vector<std::string> texts(const Json& object, const char* key) {
  std::vector<std::string> out;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return out;
  for (const Json& one : *found)
    if (one.is_string()) out.push_back(one.get<std::string>());
  return out;
}

Result<anchor::Options> options(const Json& params) {
  Options out;
  for (const auto& one : kFlags) out.*one.place = flag_at(params, one.name);
  for (const auto& one : kTexts) out.*one.place = text_at(params, one.name);
  for (const auto& one : kLists) out.*one.place = texts(params, one.name);
  if (const auto codecs = params.find("codecs"); codecs != params.end())
    for (const auto& one : kCodecLists) out.codecs.*one.place = texts(*codecs, one.name);
  read_words(params, "rtcp_mux", kMuxWords, out.mux);
  read_words(params, "replace", kReplaceWords, out);
  for (const auto& one : kPtimes) {
    const std::int64_t ms = number_at(params, one.name);
    if (ms % 10 != 0) return Error{ErrorCode::invalid, std::string(one.name) + ": expected 10, 20, … 60 ms"};
    out.*one.place = static_cast<unsigned>(ms);
  }
  if (const std::string family = text_at(params, "address_family"); !family.empty())
    out.address_family = family == "IP6" ? Family::v6 : Family::v4;
  if (!out.media_address.empty() && !Address::parse(out.media_address, 0))
    return Error{ErrorCode::invalid, "media_address: expected an IP address"};
  const std::string ice = text_at(params, "ice");
  out.ice = ice == "force"    ? anchor::IceOption::force
            : ice == "remove" ? anchor::IceOption::remove
                              : anchor::IceOption::standard;
  if (params.contains("tos")) out.tos = static_cast<unsigned>(number_at(params, "tos"));
  if (auto read = read_sdp_edits(params, out); !read) return read.error();
  if (const auto keys = params.find("keys"); keys != params.end() && keys->is_object()) {
    auto order = key_order(*keys);
    if (!order) return order.error();
    out.keys = std::move(*order);
  }
  out.label = text_at(params, "label");
  return out;
}

void add(CommandTable& table, const char* name, const char* summary, const std::string& params,
         const char* result, Act act) {
  table.add_own(name, summary, params.c_str(), result, Access::open,
                [act = std::move(act)](const Caller& caller, const Json& given, const Reply& reply) {
                  if (!caller.tenant.empty())
                    return reply(Error{ErrorCode::denied, "anchored calls are the operator's"});
                  act(given, reply);
                });
}

}  // namespace tandem::api::anchor_json
