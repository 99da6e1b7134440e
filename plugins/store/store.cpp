// The way of a command through the lanes, and of a call record that must not be lost.
#include "store/store.hpp"

#include <chrono>

#include "store/cdr.hpp"
#include "store/clock.hpp"
#include "store/commands.hpp"
#include "store/migration.hpp"

namespace tandem::store {

namespace {

// Lane numbers are the host's for all plugins: ours begin at "st".
constexpr std::uint32_t lane_number(Lane lane) { return 0x7374'0001u + (lane == Lane::report ? 1 : 0); }

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Database::Limits limits_of(const Options& options) {
  return {std::chrono::milliseconds(options.busy_ms), std::chrono::milliseconds(options.statement_ms),
          options.durable};
}

// Whether trying again later could help.
bool passing(const Refusal& refusal) { return refusal.code() != TD_CONFLICT && refusal.code() != TD_INVALID; }

}  // namespace

struct Store::Job {
  td_request* request;
  const Command* command;
  Json params;
  std::uint64_t now_us;
  Json result;
  int code = TD_OK;
  Events events;
};

Store::Backend::Backend(const Options& given)
    : options(given),
      live(given.path, limits_of(given)),
      report(given.path, limits_of(given)),
      spill(given.spill_file) {
  migrate(live, migrations());
  live.run("INSERT INTO tenant (name, created) VALUES (:name, :created) ON CONFLICT (name) DO NOTHING",
           {{"name", given.default_tenant}, {"created", iso_now()}});
}

Store::Store(const sdk::Host& host, Options options)
    : host_(host), backend_(std::make_shared<Backend>(options)), retry_(host), replay_(host) {
  provide(tenant_commands());
  provide(extension_commands());
  provide(device_commands());
  provide(mailbox_commands());
  provide(message_commands());
  provide(prompt_commands());
  provide(recording_commands());
  provide(cdr_commands());
  provide(demo_commands());
  host_.measure<Stats::Count>(figures_of(backend_->stats));
  replay();
}

std::array<sdk::Figure<Stats::Count>, 8> figures_of(const Stats& s) {
  return {{
      {"commands", "commands_total", "Commands taken.", &s.commands},
      {"refused", "refused_total", "Commands refused for what they ask.", &s.refused},
      {"queue_full", "queue_full_total", "Commands that found the queue full.", &s.queue_full},
      {"cdr_stored", "cdr_stored_total", "Call records written to the database.", &s.cdr_stored},
      {"cdr_spilled", "cdr_spilled_total", "Call records put aside because the database failed.",
       &s.cdr_spilled},
      {"cdr_replayed", "cdr_replayed_total", "Call records put aside that were written later.",
       &s.cdr_replayed},
      {"cdr_bad", "cdr_bad_total", "Call records put aside that cannot be read.", &s.cdr_bad},
      {"cdr_lost", "cdr_lost_total", "Call records lost.", &s.cdr_lost},
  }};
}

Store::~Store() {
  alive_.reset();
  for (td_request* request : open_) {
    const std::string json = dump({{"code", "unavailable"}, {"message", "the store is shutting down"}});
    host_.api()->reply(host_.api(), request, TD_UNAVAILABLE, sdk::str(json));
  }
  std::unique_lock lock(backend_->mutex);
  backend_->idle.wait_for(lock, std::chrono::seconds(8), [this] { return backend_->busy == 0; });
  lock.unlock();
  for (const Json& record : held_) {
    if (!backend_->spill.append(dump(record))) host_.error("a call record is lost: " + dump(record));
  }
}

void Store::provide(std::span<const Command> commands) {
  for (const Command& command : commands) {
    provided_.push_back({this, &command});
    const std::string description = describe(command);
    const int code = host_.api()->provide(host_.api(), sdk::str(command.name), sdk::str(description),
                                          &Store::on_command, &provided_.back());
    if (code < 0)
      throw Refusal(code,
                    std::string("the command ") + command.name + " cannot be added: " + sdk::code_name(code));
  }
}

void Store::on_command(void* user, td_request* request, const td_caller* caller, td_str params) {
  const auto* provided = static_cast<const Provided*>(user);
  Store& self = *provided->store;
  ++self.backend_->stats.commands;
  self.open_.insert(request);
  const std::string_view tenant = sdk::view(caller->tenant);
  try {
    if (provided->command->access == Access::internal && caller->role < TD_ROLE_INTERNAL) {
      throw Refusal(TD_DENIED, std::string(provided->command->name) + ": an internal command");
    }
    if (std::string_view(provided->command->name) == "cdr.add")
      self.take_record(request, tenant, sdk::view(params));
    else
      self.take(*provided->command, request, tenant, sdk::view(params));
  } catch (const Refusal& refusal) {
    self.refuse(request, refusal);
  } catch (const std::exception& error) {
    self.refuse(request, Refusal(TD_INTERNAL, error.what()));
  }
}

void Store::take(const Command& command, td_request* request, std::string_view tenant,
                 std::string_view params) {
  auto job = std::make_shared<Job>();  // owned by the work and by its done
  job->request = request;
  job->command = &command;
  job->params = check(command, tenant, params);
  job->now_us = host_.wall_us();
  const bool queued = submit(
      command.lane,
      [job](Backend& backend) {
        Database& db = job->command->lane == Lane::report ? backend.report : backend.live;
        Context context{db, backend.options, job->params, job->now_us, job->events, backend.stats};
        try {
          job->result = run_command(*job->command, context);
        } catch (const Refusal& refusal) {
          job->code = refusal.code();
          job->result = {{"code", sdk::code_name(refusal.code())}, {"message", refusal.what()}};
        } catch (const std::exception& error) {
          job->code = TD_INTERNAL;
          job->result = {{"code", "internal"}, {"message", error.what()}};
        }
      },
      [this, job] {
        if (job->code == TD_OK) {
          for (const Json& event : job->events) host_.publish(dump(event));
        } else {
          ++backend_->stats.refused;
        }
        answer(job->request, job->code, job->result);
      });
  if (!queued) {
    ++backend_->stats.queue_full;
    throw Refusal(TD_EXHAUSTED, std::string(command.name) + ": the store's queue is full, try again");
  }
}

bool Store::submit(Lane lane, std::function<void(Backend&)> work, std::function<void()> done) {
  const auto backend = backend_;
  const std::weak_ptr<int> alive = alive_;
  {
    const std::lock_guard lock(backend->mutex);
    ++backend->busy;
  }
  const auto leave = [backend] {
    const std::lock_guard lock(backend->mutex);
    --backend->busy;
    backend->idle.notify_all();
  };
  const bool queued = host_.work(
      lane_number(lane),
      [backend, leave, work = std::move(work)] {
        work(*backend);
        leave();
      },
      [alive, done = std::move(done)] {
        if (alive.lock() && done) done();
      });
  if (!queued) leave();
  return queued;
}

void Store::take_record(td_request* request, std::string_view tenant, std::string_view params) {
  Json record = make_record(tenant, params);
  const Json answered = {{"id", record["id"]}};
  if (!held_.empty() || !send_record(record)) hold_record(std::move(record));
  answer(request, TD_OK, answered);  // from here on it is ours to keep
}

bool Store::send_record(const Json& record) {
  enum class Became { stored, spilled, neither };
  auto became = std::make_shared<Became>(Became::neither);  // owned by the work and by its done
  return submit(
      Lane::live,
      [record, became](Backend& backend) {
        try {
          insert_record(backend.live, backend.options, record);
          ++backend.stats.cdr_stored;
          *became = Became::stored;
        } catch (const Refusal&) {
          if (!backend.spill.append(dump(record))) return;
          ++backend.stats.cdr_spilled;
          *became = Became::spilled;
        }
      },
      [this, record, became] {
        if (*became == Became::neither) hold_record(record);
        if (*became == Became::stored) return;
        host_.warn("the database did not take a call record; it is kept and will be tried again");
        if (!replay_.running()) replay_.start(kReplayNs, [this] { replay(); });
      });
}

void Store::hold_record(Json record) {
  if (held_.size() >= kHeldMax) {
    // Memory is full and so is the queue to [io]: writing here, on [control], is the lesser evil.
    if (backend_->spill.append(dump(record))) {
      ++backend_->stats.cdr_spilled;
    } else {
      ++backend_->stats.cdr_lost;
      host_.error("a call record is lost, neither the database nor the spill file takes it: " + dump(record));
    }
    return;
  }
  held_.push_back(std::move(record));
  if (!retry_.running()) retry_.start(kRetryNs, [this] { retry_held(); });
}

void Store::retry_held() {
  while (!held_.empty() && send_record(held_.front())) held_.pop_front();
  if (!held_.empty()) retry_.start(kRetryNs, [this] { retry_held(); });
}

void Store::replay() {
  if (!backend_->spill.waiting()) return;
  auto became = std::make_shared<Spill::Replayed>();  // owned by the work and by its done
  const auto again = [this] {
    if (backend_->spill.waiting() && !replay_.running()) replay_.start(kReplayNs, [this] { replay(); });
  };
  const bool queued = submit(
      Lane::live,
      [became](Backend& backend) {
        *became = backend.spill.replay([&backend](std::string_view line) {
          try {
            insert_record(backend.live, backend.options, reread_record(line));
            return Spill::Line::stored;
          } catch (const Refusal& refusal) {
            return passing(refusal) ? Spill::Line::later : Spill::Line::bad;
          }
        });
        backend.stats.cdr_replayed += became->stored;
        backend.stats.cdr_bad += became->bad;
      },
      [this, became, again] {
        if (became->stored > 0)
          host_.info("stored " + std::to_string(became->stored) + " call records from the spill file");
        if (became->bad > 0)
          host_.warn(std::to_string(became->bad) +
                     " lines of the spill file are no records; see the .bad file");
        again();
      });
  if (!queued) again();
}

void Store::answer(td_request* request, int code, const Json& json) {
  open_.erase(request);
  const std::string text = dump(json);
  host_.api()->reply(host_.api(), request, code, sdk::str(text));
}

void Store::refuse(td_request* request, const Refusal& refusal) {
  ++backend_->stats.refused;
  answer(request, refusal.code(), {{"code", sdk::code_name(refusal.code())}, {"message", refusal.what()}});
}

}  // namespace tandem::store
