// The commands that move a leg: ring, answer, dial, bridge, transfer, … Thread: [control].
#include "core/api/call_commands.hpp"
#include "core/api/call_json.hpp"

namespace tandem::api {
namespace {

using call::Calls;
using Verb = std::function<Result<void>(Calls& calls, const std::string& tenant, const std::string& leg,
                                        const Json& params)>;

constexpr const char* kLegOnly =
    R"({"properties":{"leg":{"type":"string","maxLength":64}},"required":["leg"]})";

// A command that does one thing to one leg and gives nothing back.
void add_verb(CommandTable& table, Calls& calls, const char* name, const char* summary, const char* params,
              Verb verb) {
  table.add_own(
      name, summary, params, "{}", Access::open,
      [&calls, verb = std::move(verb)](const Caller& caller, const Json& given, const Reply& reply) {
        answer_done(verb(calls, caller.tenant, text_at(given, "leg"), given), reply);
      });
}

void show_leg(Calls& calls, const Caller& caller, const Json& params, const Reply& reply) {
  const std::string id = text_at(params, "leg");
  const auto leg = calls.find_leg(caller.tenant, id);
  if (!leg) return reply(leg.error());
  calls.stats(**leg, [&calls, reply, tenant = caller.tenant, id](const session::LegStats& stats) {
    const auto still = calls.find_leg(tenant, id);
    if (!still) return reply(still.error());
    reply(text_of(to_json(**still, stats)));
  });
}

void dial(Calls& calls, const Caller& caller, const Json& params, const Reply& reply) {
  call::DialSpec spec;
  for (const Json& given : params["targets"]) {
    call::DialTarget target;
    target.to = text_at(given, "to");
    target.delay = milliseconds(number_at(given, "delay_ms"));
    auto headers = headers_from(given);
    if (!headers) return reply(headers.error());
    target.headers = std::move(*headers);
    target.media = media_from(given);
    spec.targets.push_back(std::move(target));
  }
  spec.timeout = seconds(number_at(params, "timeout_s", 30));
  spec.caller = party_from(params, "caller");
  spec.early_media = flag_at(params, "early_media", true);
  spec.ringback = text_at(params, "ringback", "us");
  const auto begun = calls.dial(caller.tenant, text_at(params, "leg"), spec);
  if (!begun) return reply(begun.error());
  reply(text_of(Json{{"dial", *begun}}));
}

void bind_joining(CommandTable& table, Calls& calls) {
  table.add_own("leg.dial",
                "rings targets until one answers, answers the leg and joins them; ends with dial.finished, "
                "after which the "
                "joined legs stay joined",
                R"({"properties":{"leg":{"type":"string","maxLength":64},
                    "targets":{"type":"array","maxItems":32,"items":{"type":"object","properties":{
                      "to":{"type":"string","minLength":1,"maxLength":256},"delay_ms":{"type":"integer","minimum":0,"maximum":600000},
                      )" TANDEM_PEER_MEDIA_SCHEMA R"(,
                      "headers":{"type":["object","array"],"additionalProperties":true}},"required":["to"]}},
                    "timeout_s":{"type":"integer","minimum":1,"maximum":3600,"default":30},
                    "caller":{"type":"object","properties":{"user":{"type":"string","maxLength":128},"name":{"type":"string","maxLength":128}}},
                    "early_media":{"type":"boolean","default":true},
                    "ringback":{"type":"string","maxLength":8,"default":"us","description":"country of the tone, \"\" for none"}},
                    "required":["leg","targets"]})",
                R"({"properties":{"dial":{"type":"string"}}})", Access::open,
                [&calls](const Caller& caller, const Json& params, const Reply& reply) {
                  dial(calls, caller, params, reply);
                });
  add_verb(table, calls, "leg.cancel_dial", "stops the dial of this leg: dial.finished with status cancelled",
           kLegOnly, [](Calls& c, const std::string& tenant, const std::string& leg, const Json&) {
             return c.cancel_dial(tenant, leg);
           });
  add_verb(
      table, calls, "leg.bridge",
      "joins two legs that can be heard; a leg with itself is an echo. Joined already: nothing happens",
      R"({"properties":{"leg":{"type":"string","maxLength":64},"with":{"type":"string","maxLength":64}},"required":["leg","with"]})",
      [](Calls& c, const std::string& tenant, const std::string& leg, const Json& params) {
        return c.bridge(tenant, leg, text_at(params, "with"));
      });
  add_verb(table, calls, "leg.unbridge", "parts a leg from its peer; both stay", kLegOnly,
           [](Calls& c, const std::string& tenant, const std::string& leg, const Json&) {
             return c.unbridge(tenant, leg);
           });
  add_verb(
      table, calls, "leg.transfer",
      "the leg goes to another number of ours: its app ends, the number's begins, the call id stays",
      R"({"properties":{"leg":{"type":"string","maxLength":64},"to":{"type":"string","minLength":1,"maxLength":128}},"required":["leg","to"]})",
      [](Calls& c, const std::string& tenant, const std::string& leg, const Json& params) {
        return c.transfer(tenant, leg, text_at(params, "to"));
      });
  add_verb(
      table, calls, "leg.refer", "REFER: the phone itself is asked to call `to`; ends with transfer.done",
      R"({"properties":{"leg":{"type":"string","maxLength":64},"to":{"type":"string","minLength":1,"maxLength":256}},"required":["leg","to"]})",
      [](Calls& c, const std::string& tenant, const std::string& leg, const Json& params) {
        return c.refer(tenant, leg, text_at(params, "to"));
      });
  add_verb(
      table, calls, "leg.run", "runs an app on the leg, in place of the one that runs",
      R"({"properties":{"leg":{"type":"string","maxLength":64},"app":{"type":"string","minLength":1,"maxLength":64},"args":{"type":"string","maxLength":4096}},"required":["leg","app"]})",
      [](Calls& c, const std::string& tenant, const std::string& leg, const Json& params) {
        return c.run(tenant, leg, text_at(params, "app"), text_at(params, "args"));
      });
}

}  // namespace

void bind_leg_commands(CommandTable& table, Calls& calls) {
  table.add_own(
      "leg.show", "one leg, with what is measured of its media in both directions", kLegOnly,
      R"({"properties":{"leg":{"type":"string"},"call":{"type":"string"},"tenant":{"type":"string"},"direction":{"type":"string"},"state":{"type":"string"},"from":{"type":"object"},"to":{"type":"object"},"dialed":{"type":"string"},"app":{"type":"string"},"peer":{"type":"string"},"created":{"type":"string"},"answered":{"type":"string"},"media":{"type":["object","null"]}}})",
      Access::open, [&calls](const Caller& caller, const Json& params, const Reply& reply) {
        show_leg(calls, caller, params, reply);
      });
  add_verb(
      table, calls, "leg.ring",
      "180; with `early` 183 and media, so that prompts are heard before the answer",
      R"({"properties":{"leg":{"type":"string","maxLength":64},"early":{"type":"boolean","default":false}},"required":["leg"]})",
      [](Calls& c, const std::string& tenant, const std::string& leg, const Json& params) {
        return c.ring(tenant, leg, flag_at(params, "early"));
      });
  table.add_own("leg.answer",
                "200; answered when it is on its way, and after a delayed offer when the ACK has brought the "
                "phone's answer. An answered leg stays as it is",
                kLegOnly, "{}", Access::open,
                [&calls](const Caller& caller, const Json& params, const Reply& reply) {
                  calls.answer(caller.tenant, text_at(params, "leg"),
                               [reply](const Result<void>& agreed) { answer_done(agreed, reply); });
                });
  add_verb(
      table, calls, "leg.reject", "a final refusal of a leg that is not answered",
      R"({"properties":{"leg":{"type":"string","maxLength":64},"code":{"type":"integer","minimum":300,"maximum":699,"default":486},"reason":{"type":"string","maxLength":128}},"required":["leg"]})",
      [](Calls& c, const std::string& tenant, const std::string& leg, const Json& params) -> Result<void> {
        const std::string reason = text_at(params, "reason");
        if (reason.find_first_of("\r\n") != std::string::npos)
          return Error{ErrorCode::invalid, "\"reason\": expected one line"};
        return c.reject(tenant, leg, static_cast<int>(number_at(params, "code", 486)), reason);
      });
  add_verb(
      table, calls, "leg.hangup", "ends a leg, whatever its state",
      R"({"properties":{"leg":{"type":"string","maxLength":64},"cause":{"type":["integer","string"],"default":16,"description":"Q.850 number or name"}},"required":["leg"]})",
      [](Calls& c, const std::string& tenant, const std::string& leg, const Json& params) -> Result<void> {
        const auto q850 = cause_from(params);
        if (!q850) return q850.error();
        return c.hang_up(tenant, leg, *q850);
      });
  add_verb(table, calls, "leg.hold", "re-INVITE sendonly to that phone", kLegOnly,
           [](Calls& c, const std::string& tenant, const std::string& leg, const Json&) {
             return c.hold(tenant, leg, true);
           });
  add_verb(table, calls, "leg.unhold", "re-INVITE sendrecv to that phone", kLegOnly,
           [](Calls& c, const std::string& tenant, const std::string& leg, const Json&) {
             return c.hold(tenant, leg, false);
           });
  bind_joining(table, calls);
}

}  // namespace tandem::api
