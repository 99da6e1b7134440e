// World: the whole server on a counted clock: the real call layer, media engine, API, store and Lua host with
// the scripts that ship; simulated are only the phones (signaling by PhoneCompany, sound by MediaPhone), the
// network and time. An hour of calls takes seconds.
//
//   Caller a = world.phone("1001");   a.sip->calls("5000");   world.advance(3s);   find_in(a.media->heard(),
//   prompt)
//
// Thread: one.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/api/api.hpp"
#include "core/app/message_waiting.hpp"
#include "core/app/script_apps.hpp"
#include "core/app/store_cdrs.hpp"
#include "core/app/store_directory.hpp"
#include "core/call/calls.hpp"
#include "core/codec/registry.hpp"
#include "core/loop/memory_io.hpp"
#include "core/plugin/plugin_host.hpp"
#include "core/session/engine.hpp"
#include "tests/support/fake_timers.hpp"
#include "tests/support/media_phone.hpp"
#include "tests/support/phone_company.hpp"
#include "tests/support/scratch_folder.hpp"

namespace tandem::testing {

using namespace std::chrono_literals;

class World {
 public:
  World();
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  struct Caller {
    Phone* sip = nullptr;
    MediaPhone* media = nullptr;
  };
  // The phone of a user, registered, with sound behind it.
  Caller phone(const std::string& user);

  // Lets time go by: signaling, media, scripts.
  void advance(milliseconds by);
  // Until `done`, at most `limit`. True when it came true.
  bool until(const std::function<bool()>& done, milliseconds limit = 30s);

  // One API command, answered at once or after time went by. Errors come back as {"error":…}.
  nlohmann::json ask(const std::string& method, const nlohmann::json& params = nlohmann::json::object());
  // Events so far, by name.
  std::vector<nlohmann::json> events(const std::string& name) const;
  // All events in short, for a test that failed.
  std::string story() const;

  // A prompt of the demo as PCM of 8 kHz.
  static std::vector<std::int16_t> prompt(const std::string& name);
  static bool has_prompts();
  std::string pin_of(const std::string& mailbox) const;

  PhoneCompany& company() { return company_; }
  FakeTimers& timers() { return timers_; }
  session::MediaEngine& engine() { return *engine_; }
  call::Calls& calls() { return *calls_; }
  call::Routes& routes() { return routes_; }

 private:
  void load(const char* name, const nlohmann::json& options);
  void follow_sdp();

  const ScratchFolder folder_{"world"};
  FakeTimers timers_;
  loop::MemoryNetwork network_;
  PhoneCompany company_;
  api::Api api_;
  plugin::PluginHost plugins_;
  std::unique_ptr<session::MediaEngine> engine_;
  std::unique_ptr<app::StoreDirectory> directory_;
  std::unique_ptr<app::StoreCdrs> cdrs_;
  std::unique_ptr<app::ScriptApps> apps_;
  std::unique_ptr<call::SoundFolders> sounds_;
  call::Routes routes_;
  codec::CodecRegistry codecs_;
  std::unique_ptr<call::Calls> calls_;
  std::unique_ptr<app::MessageWaiting> waiting_;
  std::map<std::string, Caller> callers_;
  std::vector<std::unique_ptr<MediaPhone>> media_phones_;
  std::vector<nlohmann::json> events_;
  std::int64_t subscription_ = -1;
};

// The best normalized correlation of `needle` anywhere in `hay`, coarse to fine, and the place.
std::pair<double, std::size_t> find_in(const std::vector<std::int16_t>& hay,
                                       const std::vector<std::int16_t>& needle);
// Noise like nothing else, speech-like in level.
std::vector<std::int16_t> noise(unsigned ms, std::uint32_t seed);

}  // namespace tandem::testing
