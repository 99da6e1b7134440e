// The client's commands: see the header. What is printed for people may change; --json is for programs.
#include "core/app/client_commands.hpp"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "core/app/ask.hpp"
#include "core/app/listen_address.hpp"
#include "core/app/paths.hpp"
#include "core/app/rpc_client.hpp"

namespace tandem::app {
namespace {

using nlohmann::json;

constexpr int kRefused = 1, kUnreachable = 4;

struct Client {
  std::string api = "127.0.0.1:8480", token, state;
  bool as_json = false;

  // The token: --token, $TANDEM_TOKEN, or the file that the server made.
  std::string find_token() const {
    if (!token.empty()) return token;
    if (const char* from = std::getenv("TANDEM_TOKEN"); from != nullptr && *from != '\0') return from;
    std::ifstream file((state.empty() ? default_state_dir() : state) + "/api-token");
    std::string found;
    file >> found;
    return found;
  }

  // Prints the error and returns its exit status, or hands the result on.
  int run(const std::string& method, const json& params, const std::function<void(const json&)>& show) const {
    const auto at = parse_listen(api);
    if (!at) {
      fmt::print(stderr, "--api: expected ADDRESS:PORT, such as 127.0.0.1:8480, found \"{}\"\n", api);
      return kUnreachable;
    }
    const std::string with = find_token();
    if (with.empty()) {
      fmt::print(stderr, "no token: give --token or --state, or set TANDEM_TOKEN\n");
      return kUnreachable;
    }
    const auto result = rpc({*at, with}, method, params);
    if (!result) {
      fmt::print(stderr, "{}: {}: {}\n", method, to_string(result.error().code), result.error().message);
      const ErrorCode code = result.error().code;
      return code == ErrorCode::unavailable || code == ErrorCode::timeout ? kUnreachable : kRefused;
    }
    if (as_json) {
      fmt::print("{}\n", result->dump(2, ' ', false, json::error_handler_t::replace));
    } else {
      show(*result);
    }
    return 0;
  }
};

using ClientPtr = std::shared_ptr<Client>;  // owners: the callbacks of all commands

void show_calls(const json& answer) {
  const json& calls = list_field(answer, "calls");
  for (const json& call : calls)
    fmt::print("{:<22} {:<10} {:<9} {:<10} {} legs  {}\n", text_field(call, "call"),
               text_field(call, "state"), text_field(call, "direction"), text_field(call, "tenant"),
               list_field(call, "legs").size(), text_field(call, "started"));
  fmt::print("{} calls\n", calls.size());
}

void show_status(const json& answer) {
  fmt::print("tandem {}, up {} s, link {}, {} calls, {} legs\n", text_field(answer, "version"),
             number_field(answer, "uptime_s"), text_field(answer, "link"), number_field(answer, "calls"),
             number_field(answer, "legs"));
  for (const json& loop : list_field(answer, "loops"))
    fmt::print("  media loop: {} legs, {} ticks, {} missed\n", number_field(loop, "legs"),
               number_field(loop, "ticks"), number_field(loop, "missed_ticks"));
}

std::string party(const json& leg, const char* key) {
  const auto found = leg.find(key);
  if (found == leg.end()) return "?";
  if (found->is_string()) return found->get<std::string>();
  const std::string user = text_field(*found, "user");
  return user.empty() ? text_field(*found, "uri") : user;
}

void show_stream(const char* name, const json& media) {
  const auto found = media.find(name);
  if (found == media.end() || !found->is_object()) return;
  fmt::print("    {:<9} {:<6} {} packets, {} lost ({:.2f} %), jitter {:.1f} ms, MOS {:.1f}\n", name,
             text_field(*found, "codec"), found->value("packets", 0LL), found->value("lost", 0LL),
             found->value("loss_percent", 0.0), found->value("jitter_ms", 0.0), found->value("mos", 0.0));
}

void show_call(const json& call) {
  fmt::print("{}  {}  tenant {}\n", text_field(call, "call"), text_field(call, "state"),
             text_field(call, "tenant"));
  for (const json& leg : list_field(call, "legs")) {
    fmt::print("  {}  {} {}  {} → {}  app {}\n", text_field(leg, "leg"), text_field(leg, "direction"),
               text_field(leg, "state"), party(leg, "from"), party(leg, "to"), text_field(leg, "app"));
    const auto media = leg.find("media");
    if (media == leg.end() || !media->is_object()) continue;
    fmt::print("    media     {} with {}, round trip {:.1f} ms\n", text_field(*media, "mode"),
               text_field(*media, "remote"), media->value("round_trip_ms", -1.0));
    show_stream("received", *media);
    show_stream("sent", *media);
  }
}

// What a leg-taking command was given: a leg's id, or a call's, whose first leg is meant.
json leg_of(const Client& client, const std::string& id, int& status) {
  if (!id.starts_with("call-")) return {{"leg", id}};
  json params;
  Client quiet = client;
  quiet.as_json = false;
  status = quiet.run("call.show", {{"call", id}}, [&](const json& call) {
    const json& legs = list_field(call, "legs");
    if (!legs.empty()) params = {{"leg", text_field(legs[0], "leg")}};
  });
  if (status == 0 && params.empty()) {
    fmt::print(stderr, "{}: it has no leg\n", id);
    status = kRefused;
  }
  return params;
}

void say_done(const json&) { fmt::print("done\n"); }

void add_show(CLI::App& call, const ClientPtr& client, int& status) {
  auto* show = call.add_subcommand("show", "One call with its legs: codecs, packets, loss, jitter, MOS");
  auto id = std::make_shared<std::string>();
  show->add_option("CALL", *id, "the call's id (tandem calls)")->required();
  show->footer("Example:\n  tandem call show call-9f3c2a");
  show->callback([=, &status] { status = client->run("call.show", {{"call", *id}}, show_call); });
}

void add_hangup(CLI::App& call, const ClientPtr& client, int& status) {
  auto* hangup = call.add_subcommand("hangup", "Ends a call, or one leg of it");
  auto id = std::make_shared<std::string>();
  auto cause = std::make_shared<int>(16);
  hangup->add_option("CALL|LEG", *id, "what to end")->required();
  hangup->add_option("--cause", *cause, "Q.850 cause: 16 normal, 17 busy, 21 rejected")
      ->check(CLI::Range(1, 127));
  hangup->footer("Example:\n  tandem call hangup call-9f3c2a --cause 17");
  hangup->callback([=, &status] {
    const bool whole = id->starts_with("call-");
    status = client->run(whole ? "call.hangup" : "leg.hangup",
                         {{whole ? "call" : "leg", *id}, {"cause", *cause}}, say_done);
  });
}

void add_originate(CLI::App& call, const ClientPtr& client, int& status) {
  struct Order {
    std::string to, app, args, bridge_to, from, name, tenant;
    int timeout_s = 60;
  };
  auto* originate =
      call.add_subcommand("originate", "Rings a number, then runs an app or joins a second party");
  auto order = std::make_shared<Order>();
  originate->add_option("TO", order->to, "an extension, or a sip: URI")->required();
  auto* app = originate->add_option("--app", order->app, "what handles the call when it is answered");
  originate->add_option("--args", order->args, "the app's arguments")->needs(app);
  originate->add_option("--bridge-to", order->bridge_to, "who is rung then and joined")->excludes(app);
  originate->add_option("--from", order->from, "caller id: number");
  originate->add_option("--name", order->name, "caller id: name");
  originate->add_option("--timeout", order->timeout_s, "seconds to ring")->check(CLI::Range(1, 600));
  originate->add_option("--tenant", order->tenant, "whose call it is");
  originate->footer(
      "Examples:\n  tandem call originate 1001 --app echo\n"
      "  tandem call originate 1001 --bridge-to 1002");
  originate->callback([=, &status] {
    json params = {{"to", order->to}, {"timeout_s", order->timeout_s}};
    const auto put = [&](const char* key, const std::string& value) {
      if (!value.empty()) params[key] = value;
    };
    put("app", order->app);
    put("args", order->args);
    put("bridge_to", order->bridge_to);
    put("tenant", order->tenant);
    if (!order->from.empty() || !order->name.empty())
      params["from"] = {{"user", order->from}, {"name", order->name}};
    status = client->run("call.originate", params, [](const json& made) {
      fmt::print("{} {}\n", text_field(made, "call"), text_field(made, "leg"));
    });
  });
}

// A command on one leg with one text besides: `make` turns it into params.
void add_leg_command(CLI::App& call, const ClientPtr& client, int& status, const char* name,
                     const char* about, const char* argument, const char* argument_about, const char* example,
                     const char* method,
                     std::function<json(json leg, const std::vector<std::string>& given)> make,
                     std::function<void(const json&)> show) {
  auto* command = call.add_subcommand(name, about);
  auto id = std::make_shared<std::string>();
  auto given = std::make_shared<std::vector<std::string>>();
  command->add_option("CALL|LEG", *id, "a leg, or a call, whose first leg is meant")->required();
  command->add_option(argument, *given, argument_about)->required();
  command->footer(std::string("Example:\n  ") + example);
  command->callback([=, &status] {
    json leg = leg_of(*client, *id, status);
    if (leg.empty() || status != 0) return;
    status = client->run(method, make(std::move(leg), *given), show);
  });
}

void add_record(CLI::App& call, const ClientPtr& client, int& status) {
  struct Order {
    std::string leg, name;
    bool stereo = false;
    int limit_s = 0;
  };
  auto* record = call.add_subcommand("record", "Starts, stops, pauses or resumes a recording");
  record->require_subcommand(1);
  auto* start = record->add_subcommand("start", "Records a leg into a WAV file");
  auto order = std::make_shared<Order>();
  start->add_option("CALL|LEG", order->leg, "a leg, or a call, whose first leg is meant")->required();
  start->add_option("--name", order->name, "the file's name, below the recordings folder");
  start->add_flag("--stereo", order->stereo, "left what the leg says, right what it hears");
  start->add_option("--limit", order->limit_s, "seconds, then it ends")->check(CLI::Range(1, 86400));
  start->footer("Example:\n  tandem call record start call-9f3c2a --stereo");
  start->callback([=, &status] {
    json params = leg_of(*client, order->leg, status);
    if (params.empty() || status != 0) return;
    if (!order->name.empty()) params["name"] = order->name;
    if (order->stereo) params["stereo"] = true;
    if (order->limit_s > 0) params["limit_ms"] = order->limit_s * 1000;
    status = client->run("recording.start", params, [](const json& made) {
      fmt::print("{} {}\n", text_field(made, "recording"), text_field(made, "path"));
    });
  });
  for (const char* act : {"stop", "pause", "resume"}) {
    auto* one = record->add_subcommand(act, fmt::format("{}s a recording", act));
    auto id = std::make_shared<std::string>();
    one->add_option("RECORDING", *id, "the recording's id")->required();
    one->footer(fmt::format("Example:\n  tandem call record {} recording-9f3c2a", act));
    one->callback([=, &status] {
      status = client->run(fmt::format("recording.{}", act), {{"recording", *id}}, say_done);
    });
  }
}

}  // namespace

void add_client_commands(CLI::App& root, int& status) {
  auto client = std::make_shared<Client>();
  const auto connection = [&](CLI::App* app) {
    app->add_option("--api", client->api, "the server's API (default 127.0.0.1:8480)")->envname("TANDEM_API");
    app->add_option("--token", client->token,
                    "the API's token (else $TANDEM_TOKEN, else the state folder's file)");
    app->add_option("--state", client->state, "the server's state folder")->envname("TANDEM_STATE");
    app->add_flag("--json", client->as_json, "print the answer as JSON");
  };
  auto* calls = root.add_subcommand("calls", "Lists the calls of a running server");
  connection(calls);
  calls->footer("Example:\n  tandem calls --json");
  calls->callback([=, &status] { status = client->run("call.list", json::object(), show_calls); });

  auto* about = root.add_subcommand("status", "How a running server is: link, calls, legs, media loops");
  connection(about);
  about->footer("Example:\n  tandem status --json");
  about->callback([=, &status] { status = client->run("status", json::object(), show_status); });

  auto* call = root.add_subcommand("call", "Shows or commands one call of a running server");
  connection(call);
  call->require_subcommand(1);
  call->fallthrough();
  add_show(*call, client, status);
  add_hangup(*call, client, status);
  add_originate(*call, client, status);
  add_leg_command(
      *call, client, status, "play", "Plays sound files to a leg", "FILE", "prompt names or paths",
      "tandem call play call-9f3c2a demo-congrats", "leg.play",
      [](json leg, const auto& files) {
        leg["files"] = files;
        return leg;
      },
      [](const json& made) { fmt::print("{}\n", text_field(made, "playback")); });
  add_leg_command(
      *call, client, status, "digits", "Sends digits to a leg", "DIGITS", "0-9 * # A-D, w for half a second",
      "tandem call digits call-9f3c2a 1w23#", "leg.send_digits",
      [](json leg, const auto& given) {
        std::string digits;
        for (const auto& one : given) digits += one;
        leg["digits"] = digits;
        return leg;
      },
      say_done);
  add_record(*call, client, status);
}

}  // namespace tandem::app
