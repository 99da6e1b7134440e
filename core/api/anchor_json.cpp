#include "core/api/anchor_json.hpp"

#include <algorithm>

namespace tandem::api::anchor_json {
namespace {

constexpr const char* kList = R"({"type":"array","maxItems":128,"items":{"type":"string","maxLength":512}})";

constexpr const char* kOptions =
    R"("interfaces":LIST,"address_family":{"enum":["IP4","IP6"]},"media_address":{"type":"string","maxLength":64},
       "received_from":{"type":"string","maxLength":64},"sip_source_address":{"type":"boolean"},
       "srtp_only":LIST,"srtp_without":LIST,"transport":{"type":"string","maxLength":32},"asymmetric":{"type":"boolean"},
       "codecs":{"type":"object","properties":{"strip":LIST,"offer":LIST,"except":LIST,"mask":LIST,"consume":LIST,
          "accept":LIST,"ignore":LIST,"transcode":LIST,"set":LIST}},
       "rtcp_mux":{"type":"array","maxItems":8,"items":{"enum":["offer","require","demux","accept","reject"]}},
       "ptime_ms":{"type":"integer","minimum":0,"maximum":60},"ptime_reverse_ms":{"type":"integer","minimum":0,"maximum":60},
       "always_transcode":{"type":"boolean"},"force_transcoding":{"type":"boolean"},"single_codec":{"type":"boolean"},
       "replace":{"type":"array","maxItems":8,"items":{"enum":["origin","username","session_name","zero_address","force_increment_version"]}},
       "no_rtcp_attribute":{"type":"boolean"},"full_rtcp_attribute":{"type":"boolean"},"loop_protect":{"type":"boolean"},
       "tos":{"type":"integer","minimum":0,"maximum":255},"extmap_strip":LIST,
       "block_digits":{"type":"boolean"},"record":{"type":"boolean"},"metadata":{"type":"string","maxLength":4096})";

std::string with_lists(std::string text) {
  for (std::size_t at; (at = text.find("LIST")) != std::string::npos;) text.replace(at, 4, kList);
  return text;
}

bool lists(const std::vector<std::string>& words, const char* word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

anchor::CodecOptions codecs(const Json& params) {
  const Json none = Json::object();
  const auto found = params.find("codecs");
  const Json& from = found == params.end() ? none : *found;
  anchor::CodecOptions out;
  out.strip = texts(from, "strip");
  out.offer = texts(from, "offer");
  out.except = texts(from, "except");
  out.mask = texts(from, "mask");
  out.consume = texts(from, "consume");
  out.accept = texts(from, "accept");
  out.ignore = texts(from, "ignore");
  out.transcode = texts(from, "transcode");
  out.set = texts(from, "set");
  return out;
}

Result<unsigned> ptime(const Json& params, const char* key) {
  const std::int64_t ms = number_at(params, key);
  if (ms % 10 != 0) return Error{ErrorCode::invalid, std::string(key) + ": expected 10, 20, … 60 ms"};
  return static_cast<unsigned>(ms);
}

}  // namespace

const std::string& who_properties() {
  static const std::string text =
      R"("call_id":{"type":"string","minLength":1,"maxLength":1024},"from_tag":{"type":"string","maxLength":1024},
       "to_tag":{"type":"string","maxLength":1024},"via_branch":{"type":"string","maxLength":1024},
       "label":{"type":"string","maxLength":1024},"to_label":{"type":"string","maxLength":1024})";
  return text;
}

std::string option_properties() { return with_lists(kOptions); }

std::string schema(const std::string& properties, const char* required) {
  return "{\"properties\":{" + properties + "},\"required\":" + required + "}";
}

anchor::Selector selector_of(const Json& params) {
  return {text_at(params, "call_id"),    text_at(params, "from_tag"), text_at(params, "to_tag"),
          text_at(params, "via_branch"), text_at(params, "label"),    text_at(params, "to_label")};
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
  anchor::Options out;
  out.direction = texts(params, "interfaces");
  if (const std::string family = text_at(params, "address_family"); !family.empty())
    out.address_family = family == "IP6" ? Family::v6 : Family::v4;
  out.media_address = text_at(params, "media_address");
  if (!out.media_address.empty() && !Address::parse(out.media_address, 0))
    return Error{ErrorCode::invalid, "media_address: expected an IP address"};
  out.received_from = text_at(params, "received_from");
  out.sip_source_address = flag_at(params, "sip_source_address");
  out.srtp_only = texts(params, "srtp_only");
  out.srtp_without = texts(params, "srtp_without");
  out.transport = text_at(params, "transport");
  out.asymmetric = flag_at(params, "asymmetric");
  out.codecs = codecs(params);
  const auto mux = texts(params, "rtcp_mux");
  out.mux = {lists(mux, "offer"), lists(mux, "require"), lists(mux, "demux"), lists(mux, "accept"),
             lists(mux, "reject")};
  auto forward = ptime(params, "ptime_ms");
  auto reverse = ptime(params, "ptime_reverse_ms");
  if (!forward) return forward.error();
  if (!reverse) return reverse.error();
  out.ptime_ms = *forward;
  out.ptime_reverse_ms = *reverse;
  out.always_transcode = flag_at(params, "always_transcode");
  out.force_transcoding = flag_at(params, "force_transcoding");
  out.single_codec = flag_at(params, "single_codec");
  const auto replace = texts(params, "replace");
  out.replace_origin = lists(replace, "origin");
  out.replace_username = lists(replace, "username");
  out.replace_session_name = lists(replace, "session_name");
  out.replace_zero_address = lists(replace, "zero_address");
  out.force_increment_version = lists(replace, "force_increment_version");
  out.no_rtcp_attribute = flag_at(params, "no_rtcp_attribute");
  out.full_rtcp_attribute = flag_at(params, "full_rtcp_attribute");
  out.loop_protect = flag_at(params, "loop_protect");
  if (params.contains("tos")) out.tos = static_cast<unsigned>(number_at(params, "tos"));
  out.extmap_strip = texts(params, "extmap_strip");
  out.label = text_at(params, "label");
  out.block_dtmf = flag_at(params, "block_digits");
  out.record = flag_at(params, "record");
  out.metadata = text_at(params, "metadata");
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
