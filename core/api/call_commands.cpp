// The commands on calls, and status. Thread: [control].
#include "core/api/call_commands.hpp"

#include <algorithm>
#include <memory>

#include "core/api/call_json.hpp"
#include "core/call/cause.hpp"

namespace tandem::api {
namespace {

using call::Calls;

void list_calls(Calls& calls, const Caller& caller, const Json& params, const Reply& reply) {
  const auto tenant = tenant_of(caller, params);
  if (!tenant) return reply(tenant.error());
  Json all = Json::array();
  for (const call::Call* call : calls.list(*tenant)) all.push_back(to_json(*call));
  reply(text_of(Json{{"calls", std::move(all)}}));
}

void in_use(const Calls& calls, const Caller& caller, const Json& params, const Reply& reply) {
  const auto tenant = tenant_of(caller, params);
  if (!tenant) return reply(tenant.error());
  const auto numbers = params["numbers"].get<std::vector<std::string>>();
  reply(text_of(Json{{"in_use", calls.in_use(*tenant, numbers)}}));
}

void show_call(Calls& calls, const Caller& caller, const Json& params, const Reply& reply) {
  const auto found = calls.find_call(caller.tenant, text_at(params, "call"));
  if (!found) return reply(found.error());
  struct Gathering {
    Json call;
    Json legs = Json::array();
    std::size_t open = 0;
  };
  const auto all = std::make_shared<Gathering>();  // owners: the answers that are still to come
  all->call = to_json(**found);
  const std::vector<std::string> ids = (*found)->legs;
  all->open = ids.size();
  const auto finish = [all, reply] {
    all->call["legs"] = std::move(all->legs);
    reply(text_of(all->call));
  };
  if (ids.empty()) return finish();
  for (std::size_t i = 0; i < ids.size(); ++i) all->legs.push_back(nullptr);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto leg = calls.find_leg(caller.tenant, ids[i]);
    if (!leg) {
      if (--all->open == 0) finish();
      continue;
    }
    calls.stats(**leg, [&calls, all, finish, i, id = ids[i]](const session::LegStats& stats) {
      if (const auto still = calls.find_leg("", id)) all->legs[i] = to_json(**still, stats);
      if (--all->open == 0) {
        all->legs.erase(std::remove(all->legs.begin(), all->legs.end(), Json(nullptr)), all->legs.end());
        finish();
      }
    });
  }
}

void originate(Calls& calls, const Caller& caller, const Json& params, const Reply& reply) {
  const auto tenant = tenant_of(caller, params);
  if (!tenant) return reply(tenant.error());
  const auto headers = headers_from(params);
  if (!headers) return reply(headers.error());
  call::OriginateOrder order;
  order.to = text_at(params, "to");
  order.from = party_from(params, "from");
  order.app = text_at(params, "app");
  order.args = text_at(params, "args");
  order.bridge_to = text_at(params, "bridge_to");
  order.timeout = seconds(number_at(params, "timeout_s", 60));
  order.tenant = *tenant;
  order.headers = *headers;
  order.media = media_from(params);
  calls.originate(order, [reply](const Result<call::Originated>& placed) {
    if (!placed) return reply(placed.error());
    reply(text_of(Json{{"call", placed->call}, {"leg", placed->legs.front()}, {"legs", placed->legs}}));
  });
}

}  // namespace

Result<int> cause_from(const Json& params) {
  const auto it = params.find("cause");
  if (it == params.end()) return call::cause::kNormal;
  const std::string text = it->is_string() ? it->get<std::string>() : it->dump();
  const auto number = call::cause_number(text);
  if (!number) {
    return Error{ErrorCode::invalid,
                 "\"cause\": expected a Q.850 number from 1 to 127 or a name like USER_BUSY, saw " +
                     text_of(*it).substr(0, 60)};
  }
  return *number;
}

void bind_call_commands(CommandTable& table, Calls& calls, Timers& timers, MoreStatus more) {
  table.add_own("call.list", "the calls that stand, oldest first",
                R"({"properties":{"tenant":{"type":"string","maxLength":64}}})",
                R"({"properties":{"calls":{"type":"array"}}})", Access::open,
                [&calls](const Caller& caller, const Json& params, const Reply& reply) {
                  list_calls(calls, caller, params, reply);
                });
  table.add_own(
      "call.show", "one call with its legs as leg.show gives them",
      R"({"properties":{"call":{"type":"string","maxLength":64}},"required":["call"]})",
      R"({"properties":{"call":{"type":"string"},"tenant":{"type":"string"},"started":{"type":"string"},"direction":{"type":"string"},"state":{"type":"string"},"from":{"type":"object"},"to":{"type":"object"},"dialed":{"type":"string"},"legs":{"type":"array"}}})",
      Access::open, [&calls](const Caller& caller, const Json& params, const Reply& reply) {
        show_call(calls, caller, params, reply);
      });
  table.add_own(
      "call.originate",
      "rings `to` and then runs `app`, or dials `bridge_to` and joins them; answered when the first phone is "
      "being "
      "called. `legs`: one a contact of `to`, the first to answer stays; `leg` is the first of them",
      R"({"properties":{"to":{"type":"string","maxLength":256,"description":"extension or sip: URI"},
                    "from":{"type":"object","properties":{"user":{"type":"string","maxLength":128},"name":{"type":"string","maxLength":128}}},
                    "app":{"type":"string","maxLength":64},"args":{"type":"string","maxLength":4096},
                    "bridge_to":{"type":"string","maxLength":256},
                    "timeout_s":{"type":"integer","minimum":1,"maximum":600,"default":60},
                    )" TANDEM_PEER_MEDIA_SCHEMA R"(,
                    "tenant":{"type":"string","maxLength":64},"headers":{"type":["object","array"],"additionalProperties":true}},"required":["to"]})",
      R"({"properties":{"call":{"type":"string"},"leg":{"type":"string"},"legs":{"type":"array"}}})",
      Access::open, [&calls](const Caller& caller, const Json& params, const Reply& reply) {
        originate(calls, caller, params, reply);
      });
  table.add_own(
      "call.hangup", "ends every leg of a call",
      R"({"properties":{"call":{"type":"string","maxLength":64},"cause":{"type":["integer","string"],"default":16}},"required":["call"]})",
      "{}", Access::open, [&calls](const Caller& caller, const Json& params, const Reply& reply) {
        const auto q850 = cause_from(params);
        if (!q850) return reply(q850.error());
        answer_done(calls.hang_up_call(caller.tenant, text_at(params, "call"), *q850), reply);
      });
  table.add_own(
      "extension.in_use", "which of these numbers ring or speak now",
      R"({"properties":{"numbers":{"type":"array","items":{"type":"string","maxLength":128},"maxItems":1000},"tenant":{"type":"string","maxLength":64}},"required":["numbers"]})",
      R"({"properties":{"in_use":{"type":"array"}}})", Access::open,
      [&calls](const Caller& who, const Json& what, const Reply& reply) { in_use(calls, who, what, reply); });
  table.add_own(
      "mwi.set", "tells a user's phones how many messages wait (RFC 3842)",
      R"({"properties":{"user":{"type":"string","maxLength":128},"new":{"type":"integer","minimum":0},"old":{"type":"integer","minimum":0}},"required":["user","new","old"]})",
      "{}", Access::internal, [&calls](const Caller&, const Json& params, const Reply& reply) {
        calls.set_waiting(text_at(params, "user"), static_cast<int>(number_at(params, "new")),
                          static_cast<int>(number_at(params, "old")));
        reply(std::string("{}"));
      });
  table.add_own(
      "status", "how the server is: version, uptime, calls, legs, the link to the SIP side, the media loops",
      "{}",
      R"({"properties":{"version":{"type":"string"},"uptime_s":{"type":"integer"},"calls":{"type":"integer"},"legs":{"type":"integer"},"link":{"enum":["up","down"]},"loops":{"type":"array"}}})",
      Access::open,
      [&calls, &timers, more = std::move(more), began = timers.now()](const Caller&, const Json&,
                                                                      const Reply& reply) {
        Json status = Json::object();
        status["version"] = "";
        status["uptime_s"] = std::chrono::duration_cast<seconds>(timers.now() - began).count();
        status["calls"] = calls.call_count();
        status["legs"] = calls.leg_count();
        status["link"] = calls.link_up() ? "up" : "down";
        if (more) more(status);
        reply(text_of(status));
      });
  bind_leg_commands(table, calls);
  bind_media_commands(table, calls);
}

}  // namespace tandem::api
