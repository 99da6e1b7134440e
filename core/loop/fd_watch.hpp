// FdWatch: calls back on [control] whenever a file descriptor of somebody else's is ready.
// The descriptor stays its owner's and is closed only after the watch is gone. Not for media sockets.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/base/affinity.hpp"
#include "core/base/result.hpp"
#include "core/loop/loop.hpp"

namespace tandem::loop {

class FdWatch {
 public:
  static constexpr int kReadable = 1;  // as TD_READABLE and TD_WRITABLE
  static constexpr int kWritable = 2;
  using Ready = std::function<void(int events)>;

  // [control] Level-triggered. Errors: invalid (not a descriptor that can be watched, or watched already). An
  // error on the descriptor (hang-up, reset) shows as readable and writable: the next read or write tells it.
  static Result<std::unique_ptr<FdWatch>> open(Loop& loop, int fd, int events, std::string name, Ready ready);
  // [control] Also from inside the callback.
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  // [control] Another set of events; 0 pauses.
  void change(int events);

 private:
  struct Handle;
  FdWatch();

  std::unique_ptr<Handle> handle_;
  std::shared_ptr<const Ready> ready_;  // shared with a running callback, which may destroy this
  Affinity affinity_;
};

}  // namespace tandem::loop
