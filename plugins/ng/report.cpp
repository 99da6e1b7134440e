#include "ng/report.hpp"

#include <charconv>
#include <cmath>

namespace tandem::ng {
namespace {

std::int64_t number_at(const Value& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

double real_at(const Value& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

// What came and could not be used: no RTP, or SRTP under another key, cut, or played again.
std::int64_t errors(const Value& line) {
  return number_at(line, "malformed") + number_at(line, "srtp_forged") + number_at(line, "srtp_replayed");
}

// In whole numbers, as the format has no others: MOS in tenths, round trips in us, as rtpengine has them.
Value quality(const Value& source, const char* name) {
  const auto found = source.find(name);
  const Value& from = found == source.end() ? source : *found;
  const auto round_trip = static_cast<std::int64_t>(real_at(from, "round_trip_ms") * 1000);
  return {{"MOS", std::llround(real_at(from, "mos") * 10)},
          {"round-trip time", round_trip},
          {"round-trip time leg", round_trip},
          {"jitter", std::llround(real_at(from, "jitter_ms"))},
          {"packet loss", std::llround(real_at(from, "loss_percent"))}};
}

Value ssrc_figures(const Value& source) {
  Value out{{"bytes", number_at(source, "bytes")}, {"packets", number_at(source, "packets")}};
  if (number_at(source, "samples") == 0) return out;
  out["cumulative loss"] = number_at(source, "lost");
  out["average MOS"] = quality(source, "average");
  out["average MOS"]["samples"] = number_at(source, "samples");
  for (const auto& [name, key] : {std::pair{"lowest MOS", "lowest"}, std::pair{"highest MOS", "highest"}}) {
    out[name] = quality(source, key);
    out[name]["reported at"] = number_at(source.at(key), "at_s");
  }
  out["MOS progression"] = {{"interval", 5},
                            {"entries", Value::array({out["lowest MOS"], out["highest MOS"]})}};
  return out;
}

void add_up(const Value& figures, Value& total) {
  for (const char* each : {"packets", "bytes", "errors"})
    total[each] = number_at(total, each) + number_at(figures, each);
}

Value media(const Value& line, Value& totals, Value& by_ssrc) {
  const Value& received = line.at("received");
  const Value local = endpoint(text_at(line, "local"));
  Value stream{{"local port", local.value("port", 0)}, {"local address", local.value("address", "")}};
  stream["endpoint"] = endpoint(text_at(line, "remote"));
  stream["flags"] = Value::array({"RTP", "filled"});
  stream["stats"] = {{"packets", number_at(received, "packets")},
                     {"bytes", number_at(received, "bytes")},
                     {"errors", errors(line)}};
  add_up(stream["stats"], totals["RTP"]);
  if (const auto rtcp = line.find("rtcp"); rtcp != line.end())
    add_up({{"packets", number_at(*rtcp, "packets")},
            {"bytes", number_at(*rtcp, "bytes")},
            {"errors", number_at(*rtcp, "malformed")}},
           totals["RTCP"]);
  Value out{{"index", number_at(line, "index") + 1},
            {"type", text_at(line, "kind")},
            {"protocol", text_at(line, "protocol")}};
  if (!text_at(received, "codec").empty()) out["codec"] = text_at(received, "codec");
  out["flags"] = Value::array({"initialized"});
  if (text_at(line, "mode") == "relay") out["flags"].push_back("passthrough");
  if (!text_at(line, "ice").empty()) out["flags"].push_back("ICE");
  // What rtpengine has not: our own figures, in whole numbers as the format has no others.
  out["quality"] = {{"MOS x10", static_cast<std::int64_t>(real_at(line, "mos_received") * 10)},
                    {"jitter", static_cast<std::int64_t>(real_at(received, "jitter_ms"))},
                    {"packet loss", static_cast<std::int64_t>(real_at(received, "loss_percent"))},
                    {"lost", number_at(received, "lost")}};
  out["ingress SSRCs"] = Value::array();
  out["egress SSRCs"] = Value::array();
  if (const auto sources = line.find("sources"); sources != line.end() && sources->is_array()) {
    for (const Value& source : *sources) {
      Value figures = ssrc_figures(source);
      by_ssrc[std::to_string(number_at(source, "ssrc"))] = figures;
      figures["SSRC"] = number_at(source, "ssrc");
      out["ingress SSRCs"].push_back(std::move(figures));
    }
    if (!sources->empty()) stream["SSRC"] = number_at(sources->front(), "ssrc");
  }
  if (number_at(line, "ssrc_sent") != 0) {
    const Value& sent = line.at("sent");
    out["egress SSRCs"].push_back({{"SSRC", number_at(line, "ssrc_sent")},
                                   {"packets", number_at(sent, "packets")},
                                   {"bytes", number_at(sent, "bytes")}});
  }
  if (!text_at(line, "crypto").empty()) {
    stream["crypto suite"] = text_at(line, "crypto");
    out["flags"].push_back("SDES");
  }
  out["streams"] = Value::array({std::move(stream)});
  return out;
}

}  // namespace

Value endpoint(std::string text) {
  Value out = Value::object();
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return out;
  int port = 0;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  text.resize(colon);
  if (!text.empty() && text.front() == '[') text = text.substr(1, text.size() - 2);
  out["family"] = text.find(':') == std::string::npos ? "IPv4" : "IPv6";
  out["address"] = text;
  out["port"] = port;
  return out;
}

void add_report(const Value& call, Value& answer) {
  const std::int64_t created_us = number_at(call, "created_us");
  answer["created"] = created_us / 1'000'000;
  answer["created_us"] = created_us % 1'000'000;
  answer["last signal"] = number_at(call, "last_signal_s");
  answer["SSRC"] = Value::object();
  const Value none{{"packets", 0}, {"bytes", 0}, {"errors", 0}};
  Value totals{{"RTP", none}, {"RTCP", none}};
  Value tags = Value::object();
  const auto parties = call.find("parties");
  if (parties != call.end() && parties->is_array()) {
    for (const Value& party : *parties) {
      Value row{{"tag", text_at(party, "tag")}, {"created", created_us / 1'000'000}};
      if (!text_at(party, "via_branch").empty()) row["via-branch"] = text_at(party, "via_branch");
      if (!text_at(party, "label").empty()) row["label"] = text_at(party, "label");
      if (!text_at(party, "partner").empty()) row["in dialogue with"] = text_at(party, "partner");
      row["medias"] = Value::array();
      for (const Value& line : party.at("lines"))
        row["medias"].push_back(media(line, totals, answer["SSRC"]));
      if (const auto hears = party.find("hears"); hears != party.end() && !hears->empty())
        row["subscriptions"] = *hears;
      tags[text_at(party, "tag")] = std::move(row);
    }
  }
  answer["tags"] = std::move(tags);
  answer["totals"] = std::move(totals);
}

void add_warnings(const std::vector<std::string>& warnings, const Value& result, Value& answer) {
  std::string all;
  const auto add = [&](const std::string& one) { all += (all.empty() ? "" : "; ") + one; };
  for (const std::string& one : warnings) add(one);
  if (const auto more = result.find("warnings"); more != result.end() && more->is_array())
    for (const Value& one : *more)
      if (one.is_string()) add(one.get<std::string>());
  if (!all.empty()) answer["warning"] = all;
}

void add_subscription(const Value& result, bool siprec, Value& answer) {
  answer["to-tag"] = text_at(result, "to_tag");
  answer["from-tags"] = Value::array();
  if (siprec) answer["tag-medias"] = Value::array(), answer["media-labels"] = Value::object();
  const auto sources = result.find("sources");
  if (sources == result.end() || !sources->is_array()) return;
  for (const Value& source : *sources) {
    const std::string tag = text_at(source, "tag"), label = text_at(source, "label");
    answer["from-tags"].push_back(tag);
    if (!siprec) continue;
    Value media{{"index", number_at(source, "index")},
                {"type", text_at(source, "kind")},
                {"label", text_at(source, "section_label")},
                {"mode", text_at(source, "mode")}};
    Value row{{"tag", tag}, {"medias", Value::array({media})}};
    Value by_label{{"tag", tag}, {"index", media["index"]}, {"type", media["type"]}, {"mode", media["mode"]}};
    if (!label.empty()) row["label"] = by_label["label"] = label;
    answer["tag-medias"].push_back(std::move(row));
    answer["media-labels"][text_at(source, "section_label")] = std::move(by_label);
  }
  if (sources->size() == 1) answer["from-tag"] = text_at(sources->front(), "tag");
}

void add_statistics(const Value& counted, Value& answer) {
  Value now = Value::object();
  now["sessionsown"] = now["sessionstotal"] = number_at(counted, "calls");
  now["sessionsforeign"] = 0;
  Value total = Value::object();
  total["managedsessions"] = number_at(counted, "calls_total");
  total["rejectedsessions"] = number_at(counted, "refused_limit");
  total["timeoutsessions"] = number_at(counted, "media_timeouts");
  total["offers"] = number_at(counted, "offers");
  total["answers"] = number_at(counted, "answers");
  total["deletes"] = number_at(counted, "deletes");
  total["queries"] = number_at(counted, "queries");
  total["errors"] = number_at(counted, "errors");
  answer["statistics"] = {{"currentstatistics", std::move(now)}, {"totalstatistics", std::move(total)}};
}

}  // namespace tandem::ng
