// Sounds: from the name of a prompt or recording to an absolute path inside the roots that are allowed.
//
//   "demo-congrats" ─► <prompts>/<tenant>/demo-congrats.wav, <prompts>/demo-congrats.wav, … the first that
//   exists
//
// Thread: [control]; resolve() asks the file system whether a name exists (one stat a candidate).
// Not for reading: the media engine does that, on [io].
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace tandem::call {

class Sounds {
 public:
  virtual ~Sounds() = default;
  // The absolute path of a prompt or finished recording that exists. `name` is relative to a root, or
  // absolute and inside one. Errors: denied ("..", outside of the roots), invalid (empty, too long, control
  // characters), not_found.
  virtual Result<std::string> resolve(std::string_view tenant, std::string_view name) = 0;
  // Where a new recording of this name goes (its folder exists). Errors: denied, invalid; conflict (it
  // exists).
  virtual Result<std::string> recording_path(std::string_view tenant, std::string_view name) = 0;
};

// Sounds over folders.
class SoundFolders final : public Sounds {
 public:
  // All absolute. `prompts` are searched in order, each first under <root>/<tenant>/; then `readable` ones
  // (finished recordings, rendered speech: absolute names only). Recordings go to
  // <recordings>/<tenant>/<name>.wav.
  struct Roots {
    std::vector<std::string> prompts;
    std::vector<std::string> readable;
    std::string recordings;
  };
  explicit SoundFolders(Roots roots);
  Result<std::string> resolve(std::string_view tenant, std::string_view name) override;
  Result<std::string> recording_path(std::string_view tenant, std::string_view name) override;

 private:
  const Roots roots_;
};

}  // namespace tandem::call
