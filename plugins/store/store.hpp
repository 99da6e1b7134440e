// Store: the plugin's [control] side. Takes commands from the API, sends their bodies to the lanes, answers,
// publishes.
//
//   API ──on_command──► check ──work(lane)──► Backend (io): run_command ──done──► events published, answered
//   cdr.add ──► make_record ──work──► insert_record ─┬─ stored
//                   │ queue full: held, retried      └─ failed ──► Spill ──replayed: at start, each 30 s
//
// Two lanes, each with its own connection: `live` for what calls wait for and every write, `report` for
// lists. Thread: [control]. Limits: kHeldMax records in memory; the lanes' queues are the host's.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "store/command.hpp"
#include "store/spill.hpp"
#include "tandem/sdk.hpp"

namespace tandem::store {

class Store {
 public:
  static constexpr std::size_t kHeldMax = 10'000;
  static constexpr std::uint64_t kRetryNs = 200'000'000;
  static constexpr std::uint64_t kReplayNs = 30'000'000'000;

  // Opens the database, migrates it and adds the commands to the API. Blocks for as long as the migration
  // takes; it is start-up. Throws Refusal.
  Store(const sdk::Host& host, Options options);
  // Answers what is open (unavailable), writes held records to the spill file, waits for the lanes (at most 8
  // s).
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

 private:
  // What the lanes work with. Shared by the Store and by work that is under way: whoever ends last frees it.
  struct Backend {
    Backend(const Options& options);
    Options options;
    Database live, report;
    Spill spill;
    Stats stats;
    std::mutex mutex;  // only for `busy`: the destructor waits on it, no command does
    std::condition_variable idle;
    std::size_t busy = 0;
  };
  struct Provided {
    Store* store;
    const Command* command;
  };
  struct Job;

  static void on_command(void* user, td_request* request, const td_caller* caller, td_str params);
  void provide(std::span<const Command> commands);
  void take(const Command& command, td_request* request, std::string_view tenant, std::string_view params);
  void take_record(td_request* request, std::string_view tenant, std::string_view params);
  bool send_record(const Json& record);
  void hold_record(Json record);
  void retry_held();
  void replay();
  bool submit(Lane lane, std::function<void(Backend&)> work, std::function<void()> done);
  void answer(td_request* request, int code, const Json& json);
  void refuse(td_request* request, const Refusal& refusal);

  sdk::Host host_;
  std::shared_ptr<Backend> backend_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // expired: late work must not touch the Store
  std::deque<Provided> provided_;
  std::set<td_request*> open_;
  std::deque<Json> held_;
  sdk::Timer retry_, replay_;
};

}  // namespace tandem::store
