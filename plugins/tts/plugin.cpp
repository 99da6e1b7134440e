// The plugin "tts": tts.render {text, voice?, speed?} → {path}. See README.md.
//
//   API ──on_render──► checked ──work(lane 1)──► Speaker::render (io) ──done──► answered
//
// Thread: [control], but for what the lane runs.
#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "tandem/sdk.hpp"
#include "tandem/sdk_options.hpp"
#include "tts/speaker.hpp"

namespace {

using Json = nlohmann::json;
using tandem::sdk::Host;
using tandem::tts::NotSpoken;
using tandem::tts::Speaker;

constexpr std::size_t kTextMax = 4000, kParamsMax = 64 * 1024, kOpenMax = 64;
constexpr const char* kDescription = R"json({
  "summary": "Speaks a text into a WAV file.",
  "access": "internal",
  "params": {"type": "object", "required": ["text"], "additionalProperties": false, "properties": {
    "text": {"type": "string", "minLength": 1, "maxLength": 4000, "description": "what to say, in UTF-8"},
    "voice": {"type": "string", "maxLength": 32, "description": "an espeak-ng voice: en-us, de, fr-fr, …"},
    "speed": {"type": "integer", "minimum": 80, "maximum": 450, "description": "words a minute (160)"},
    "tenant": {"type": "string"}}},
  "result": {"type": "object", "properties": {"path": {"type": "string"}}}
})json";

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// Throws NotSpoken (invalid).
tandem::tts::Request parse(std::string_view text, const std::string& default_voice) {
  const Json params = text.size() > kParamsMax ? Json() : Json::parse(text, nullptr, false);
  if (!params.is_object())
    throw NotSpoken(TD_INVALID, "tts.render: expected the parameters as a JSON object");
  tandem::tts::Request request;
  request.voice = default_voice;
  for (const auto& [key, value] : params.items()) {
    if (key == "text") {
      if (!value.is_string() || value.get_ref<const std::string&>().size() > kTextMax) {
        throw NotSpoken(TD_INVALID, "tts.render: text: expected at most 4000 bytes of text");
      }
      request.text = value.get<std::string>();
    } else if (key == "voice") {
      if (!value.is_string() || value.get_ref<const std::string&>().size() > 32)
        throw NotSpoken(TD_INVALID, "tts.render: voice: expected a name");
      const auto name = value.get<std::string>();
      // espeak-ng looks voices up as files: a name is a name, not a path.
      const bool plain =
          !name.empty() &&
          name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+") ==
              std::string::npos;
      if (!plain)
        throw NotSpoken(TD_INVALID, "tts.render: voice: expected letters, digits, '-', '_' and '+'");
      request.voice = name;
    } else if (key == "speed") {
      if (!value.is_number_integer() || value.get<double>() < 80 || value.get<double>() > 450) {
        throw NotSpoken(TD_INVALID, "tts.render: speed: expected 80 to 450 words a minute");
      }
      request.speed_wpm = value.get<int>();
    } else if (key != "tenant" && key != "idempotency_key") {
      throw NotSpoken(TD_INVALID,
                      "tts.render: unknown parameter '" + key.substr(0, 40) + "'; known: text voice speed");
    }
  }
  const bool nul = request.text.find('\0') != std::string::npos;
  if (request.text.find_first_not_of(" \t\r\n") == std::string::npos || nul) {
    throw NotSpoken(TD_INVALID, "tts.render: text: expected something to say");
  }
  return request;
}

struct Options {
  std::string cache_dir = "tts-cache", voice = "en-us";
  Speaker::Limits limits;
};

// Everything that is wrong with [plugin.tts], and what it says where it is right.
tandem::sdk::WrongOptions read_options(std::string_view section, Options& out) {
  tandem::sdk::WrongOptions wrong;
  const Json options = Json::parse(section, nullptr, false);
  if (!options.is_object()) {
    wrong.push_back({"", "a table of options", options.type_name()});
    return wrong;
  }
  for (const auto& [key, value] : options.items()) {
    if (key == "cache_dir" || key == "voice") {
      if (!value.is_string())
        wrong.push_back({key, "a text", value.dump()});
      else
        (key == "voice" ? out.voice : out.cache_dir) = value.get<std::string>();
    } else if (key == "cache_bytes") {
      if (!value.is_number_unsigned())
        wrong.push_back({key, "a number of bytes", value.dump()});
      else
        out.limits.cache_bytes = value.get<std::uint64_t>();
    } else {
      wrong.push_back({key, "one of cache_dir, voice, cache_bytes", "an unknown option"});
    }
  }
  return wrong;
}

class Tts {
 public:
  explicit Tts(const Host& host) : host_(host) {
    Options options;
    if (const auto wrong = read_options(host.config(), options); !wrong.empty())
      throw NotSpoken(TD_INVALID, wrong.front().text("tts"));
    voice_ = options.voice;
    speaker_ = std::make_shared<Speaker>(options.cache_dir, options.limits);
    const int code = host_.api()->provide(host_.api(), tandem::sdk::str("tts.render"),
                                          tandem::sdk::str(kDescription), &Tts::on_render, this);
    if (code < 0) throw NotSpoken(code, "the command tts.render is given already");
  }

  ~Tts() {
    alive_.reset();
    for (td_request* request : open_) fail(request, TD_UNAVAILABLE, "the speaker is shutting down");
  }

 private:
  static void on_render(void* user, td_request* request, const td_caller*, td_str params) {
    auto& self = *static_cast<Tts*>(user);
    try {
      self.render(request, tandem::sdk::view(params));
    } catch (const NotSpoken& error) {
      self.fail(request, error.code(), error.what());
    } catch (const std::exception& error) {
      self.fail(request, TD_INTERNAL, error.what());
    }
  }

  void render(td_request* request, std::string_view params) {
    struct Outcome {
      std::string path, error;
      int code = TD_OK;
    };
    if (open_.size() >= kOpenMax)
      throw NotSpoken(TD_EXHAUSTED, "tts.render: 64 texts wait already, try again");
    const auto outcome = std::make_shared<Outcome>();  // owned by the work and by its done
    const std::weak_ptr<int> alive = alive_;
    const bool queued = host_.work(
        1,
        [outcome, speaker = speaker_, wanted = parse(params, voice_)] {
          try {
            outcome->path = speaker->render(wanted);
          } catch (const NotSpoken& error) {
            outcome->code = error.code();
            outcome->error = error.what();
          } catch (const std::exception& error) {
            outcome->code = TD_INTERNAL;
            outcome->error = error.what();
          }
        },
        [this, alive, request, outcome] {
          if (!alive.lock()) return;
          open_.erase(request);
          if (outcome->code < 0) return fail(request, outcome->code, outcome->error);
          const std::string json = dump({{"path", outcome->path}});
          host_.api()->reply(host_.api(), request, TD_OK, tandem::sdk::str(json));
        });
    if (!queued) throw NotSpoken(TD_EXHAUSTED, "tts.render: the work queue is full, try again");
    open_.insert(request);
  }

  void fail(td_request* request, int code, const std::string& message) {
    const std::string json = dump({{"code", tandem::sdk::code_name(code)}, {"message", message}});
    host_.api()->reply(host_.api(), request, code, tandem::sdk::str(json));
  }

  Host host_;
  std::shared_ptr<Speaker> speaker_;  // shared with the work under way
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::string voice_;
  std::set<td_request*> open_;
};

std::unique_ptr<Tts> running;  // one a process
std::string activation_error;  // what activate() points at

int activate(const td_host* host, const char** error) noexcept {
  try {
    running = std::make_unique<Tts>(Host(host));
    return TD_OK;
  } catch (const std::exception& failed) {
    activation_error = failed.what();
    *error = activation_error.c_str();
    return TD_INVALID;
  }
}

void deactivate() noexcept { running.reset(); }

tandem::sdk::WrongOptions check(std::string_view section) {
  Options ignored;
  return read_options(section, ignored);
}

const void* interface(const char* id, std::uint32_t) noexcept {
  return std::string_view(id) == TD_OPTIONS_ID ? tandem::sdk::options<&check>() : nullptr;
}

}  // namespace

extern "C" const td_plugin* tandem_plugin_tts(void) {
  static const td_plugin table = {sizeof(td_plugin),  TD_ABI_MAJOR, TD_ABI_MINOR, "tts",     "0.1.0",
                                  "GPL-3.0-or-later", &activate,    &deactivate,  &interface};
  return &table;
}
