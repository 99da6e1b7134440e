// Recordings: what is being recorded, by id; files belong to the leg's tenant. Thread: [control].
// The writing is the media engine's, off this thread.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "core/call/exchange.hpp"

namespace tandem::call {

struct RecordOrder {
  std::string name;  // below the tenant's folder; "": one is made
  bool stereo = false;
  bool heard = true;  // also what the leg hears
  bool beep = false;
  milliseconds limit{0}, silence_end{0};
};

struct Recording {
  std::string id, path;
};

class Recordings {
 public:
  explicit Recordings(Exchange& exchange) : exchange_(exchange) {}

  // Errors: conflict (the leg cannot be heard yet; the name is taken), exhausted (recordings_per_leg_max),
  // denied (name), and the engine's.
  Result<Recording> start(Leg& leg, const RecordOrder& order);
  // `tenant` "": the operator. Errors: not_found.
  Result<void> stop(std::string_view tenant, std::string_view id);
  Result<void> pause(std::string_view tenant, std::string_view id);
  Result<void> resume(std::string_view tenant, std::string_view id);
  // From the media plane; comes after the leg is gone as well.
  void on_finished(session::RecordingId id, session::RecordEnd how, const std::string& path,
                   milliseconds length, const std::string& error);
  std::size_t size() const { return running_.size(); }

 private:
  struct Running {
    session::RecordingId media = 0;
    std::string leg, call, tenant, path;
  };
  Result<const Running*> find(std::string_view tenant, std::string_view id) const;

  // borrowed
  Exchange& exchange_;
  // state
  std::unordered_map<std::string, Running> running_;
  std::unordered_map<session::RecordingId, std::string> by_media_;
};

}  // namespace tandem::call
