// In-band DTMF (ITU-T Q.23, Q.24) by SpanDSP, as a stage that listens and changes nothing.
//
//   PCM ──decimator──► 8 kHz ──dtmf_rx──► begins: note {digit, level, 0 ms}      ends: note {digit, level,
//   its length}
//
// Thread: as in tandem/stage.h. Not here: telephone-events (RFC 4733), and counting a digit that comes both
// ways once, which is the leg's.
#include <spandsp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <string_view>

#include "dtmf/decimator.hpp"
#include "tandem/sdk_options.hpp"
#include "tandem/stage.h"

namespace {

// SpanDSP decides every 102 samples; a third of that is how exactly a note is placed.
constexpr std::size_t kPiece = 34;

struct FreeReceiver {
  void operator()(dtmf_rx_state_t* state) const { (void)dtmf_rx_free(state); }
};

struct Options {
  int twist_db = -1, reverse_twist_db = -1, threshold_dbm0 = -99;  // SpanDSP's words for "as it is"
  bool filter_dialtone = false;
};

}  // namespace

struct td_stage {
  explicit td_stage(std::uint32_t rate) : decimator(rate) {}

  tandem::dtmf::Decimator decimator;
  std::unique_ptr<dtmf_rx_state_t, FreeReceiver> receiver;
  char digit = 0;  // that sounds now
  int level = 0;
  // Of the pass under way.
  td_stage_note* notes = nullptr;
  std::uint32_t capacity = 0, count = 0, at = 0;

  void note(std::uint32_t length_ms) {
    if (count < capacity) notes[count++] = {digit, level, at, length_ms};
  }

  // SpanDSP says: from now on it is `code` (0: none); what was before lasted `samples`.
  void on_change(int code, int db, int samples) {
    if (digit != 0) note(std::max(1u, static_cast<std::uint32_t>(std::max(samples, 0)) / 8));
    digit = static_cast<char>(code);
    level = db;
    if (digit != 0) note(0);
  }
};

namespace {

void on_change(void* user, int code, int level, int delay) {
  static_cast<td_stage*>(user)->on_change(code, level, delay);
}

bool number(const nlohmann::json& json, const char* key, int least, int most, int& into) {
  const auto it = json.find(key);
  if (it == json.end()) return true;
  if (!it->is_number_integer() || *it < least || *it > most) return false;
  into = it->get<int>();
  return true;
}

bool parse(td_str text, Options& options) {
  if (text.size == 0) return true;
  const auto json = nlohmann::json::parse(text.data, text.data + text.size, nullptr, false);
  if (!json.is_object()) return false;
  const auto dialtone = json.find("filter_dialtone");
  if (dialtone != json.end() && !dialtone->is_boolean()) return false;
  options.filter_dialtone = dialtone != json.end() && dialtone->get<bool>();
  return number(json, "twist_db", 0, 20, options.twist_db) &&
         number(json, "reverse_twist_db", 0, 20, options.reverse_twist_db) &&
         number(json, "threshold_dbm0", -60, 0, options.threshold_dbm0);
}

td_stage* create(std::uint32_t sample_rate, td_str text) noexcept {
  try {
    Options options;
    if (!tandem::dtmf::Decimator::supports(sample_rate) || !parse(text, options)) return nullptr;
    auto stage = std::make_unique<td_stage>(sample_rate);
    stage->receiver.reset(dtmf_rx_init(nullptr, nullptr, nullptr));
    if (!stage->receiver) return nullptr;
    dtmf_rx_set_realtime_callback(stage->receiver.get(), on_change, stage.get());
    dtmf_rx_parms(stage->receiver.get(), options.filter_dialtone ? 1 : 0, options.twist_db,
                  options.reverse_twist_db, options.threshold_dbm0);
    return stage.release();
  } catch (...) {
    return nullptr;
  }
}
void destroy(td_stage* stage) noexcept { delete stage; }

std::uint32_t process(td_stage* stage, std::int16_t* pcm, std::uint32_t samples, td_stage_note* notes,
                      std::uint32_t capacity) noexcept {
  stage->notes = notes;
  stage->capacity = capacity;
  stage->count = 0;
  std::span<const std::int16_t> in(pcm, samples);
  std::array<std::int16_t, kPiece> piece;
  while (!in.empty()) {
    const std::size_t n = stage->decimator.run(in, piece);
    stage->at = samples - static_cast<std::uint32_t>(in.size());
    if (n > 0) (void)dtmf_rx(stage->receiver.get(), piece.data(), static_cast<int>(n));
  }
  // Digits are told by the notes; those that SpanDSP collects as well are thrown away before they fill its
  // buffer.
  std::array<char, 16> unread;
  (void)dtmf_rx_get(stage->receiver.get(), unread.data(), static_cast<int>(unread.size()) - 1);
  return stage->count;
}

const td_stage_type kStage = {.size = sizeof(td_stage_type),
                              .name = "dtmf",
                              .latency_samples = 0,
                              .create = create,
                              .destroy = destroy,
                              .process = process};

int activate(const td_host*, const char**) noexcept { return TD_OK; }
void deactivate() noexcept {}

const void* interface(const char* id, std::uint32_t index) noexcept {
  if (std::string_view(id) == TD_OPTIONS_ID) return tandem::sdk::options<&tandem::sdk::no_options>();
  return std::string_view(id) == TD_STAGE_ID && index == 0 ? &kStage : nullptr;
}

}  // namespace

extern "C" const td_plugin* tandem_plugin_dtmf(void) {
  static const td_plugin table = {sizeof(td_plugin), TD_ABI_MAJOR, TD_ABI_MINOR, "dtmf",    "0.1.0",
                                  "Apache-2.0",      &activate,    &deactivate,  &interface};
  return &table;
}
