// Command: a piece of work that control sends to a media loop, and that comes back.
//
//   [control] make it, with all it needs allocated ──► run() on [media] ──► done() on [control], destroyed
//   there
//
// So the media loop never allocates or frees: run() swaps what it replaces into the command, and the old
// object dies on the control side. A query is the same thing: run() reads, done() answers.
#pragma once

#include <memory>
#include <utility>

namespace tandem::media {

class MediaLoop;

class Command {
 public:
  virtual ~Command() = default;
  virtual void run(MediaLoop& loop) noexcept = 0;  // [media]
  virtual void done() {}                           // [control]
};

// A command from two callables: run(MediaLoop&) and done(). Both may hold and move resources.
template <typename State, typename Run, typename Done>
class StatefulCommand final : public Command {
 public:
  StatefulCommand(State state, Run run, Done done)
      : state_(std::move(state)), run_(std::move(run)), done_(std::move(done)) {}
  void run(MediaLoop& loop) noexcept override { run_(loop, state_); }
  void done() override { done_(state_); }

 private:
  State state_;
  Run run_;
  Done done_;
};

// [control] run(MediaLoop&, State&) noexcept on [media], done(State&) on [control].
template <typename State, typename Run, typename Done>
std::unique_ptr<Command> make_command(State state, Run run, Done done) {
  return std::make_unique<StatefulCommand<State, Run, Done>>(std::move(state), std::move(run),
                                                             std::move(done));
}
template <typename State, typename Run>
std::unique_ptr<Command> make_command(State state, Run run) {
  return make_command(std::move(state), std::move(run), [](State&) {});
}

}  // namespace tandem::media
