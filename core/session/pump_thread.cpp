#include "core/session/pump_thread.hpp"

namespace tandem::session {

void PumpThread::start() {
  const std::lock_guard lock(mutex_);
  if (!stopping_ && !thread_.joinable()) thread_ = std::thread(&PumpThread::run, this);
}

void PumpThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void PumpThread::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, period_);
    lock.unlock();
    pump_();
    lock.lock();
  }
}

}  // namespace tandem::session
