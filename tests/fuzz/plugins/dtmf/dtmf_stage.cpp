// The detector on any PCM in any pieces, with options of any bytes.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "tandem/abi.h"
#include "tandem/stage.h"

extern "C" const td_plugin* tandem_plugin_dtmf(void);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto* type = static_cast<const td_stage_type*>(tandem_plugin_dtmf()->interface(TD_STAGE_ID, 0));
  const std::size_t options = data[0] < size - 2 ? data[0] : size - 2;
  const std::uint32_t rate = data[1] % 8 * 8000u;
  td_stage* stage = type->create(rate, {reinterpret_cast<const char*>(data + 2), options});
  if (stage == nullptr) stage = type->create(8000, {nullptr, 0});
  data += 2 + options, size -= 2 + options;
  std::vector<std::int16_t> pcm(size / 2);
  if (!pcm.empty()) std::memcpy(pcm.data(), data, pcm.size() * 2);
  std::array<td_stage_note, 3> notes;
  for (std::size_t i = 0; i < pcm.size(); i += 97) {
    const auto n = static_cast<std::uint32_t>(pcm.size() - i < 97 ? pcm.size() - i : 97);
    if (type->process(stage, pcm.data() + i, n, notes.data(), notes.size()) > notes.size()) std::abort();
  }
  type->destroy(stage);
  return 0;
}
