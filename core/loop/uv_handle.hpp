// UvHandle: one uv handle on the heap, named at its Loop, that outlives its owner until libuv lets go of it.
//
//   owner ──destroyed──► uv_close ──(a turn later)──► close callback frees the memory
//
// Thread: [control]. Only for the .cpp files of core/loop: this header sees uv.h.
#pragma once

#include <uv.h>

#include <string>
#include <utility>

#include "core/loop/loop.hpp"

namespace tandem::loop {

// `Uv` is uv_timer_t, uv_async_t, uv_poll_t or uv_signal_t. `data` of the handle is the owner's, null after
// it is gone.
template <typename Uv>
class UvHandle {
 public:
  // [control] Memory only, until opened_on().
  UvHandle() : uv_(new Uv{}) {}
  // [control] The loop still lives.
  ~UvHandle() {
    uv_->data = nullptr;
    if (loop_ == nullptr) {
      delete uv_;
      return;
    }
    auto* handle = reinterpret_cast<uv_handle_t*>(uv_);
    loop_->forget_handle(handle);
    if (uv_is_closing(handle) != 0) {
      delete uv_;  // Loop::close() closed it already and has ended
      return;
    }
    uv_close(handle, [](uv_handle_t* closed) { delete reinterpret_cast<Uv*>(closed); });
  }
  UvHandle(const UvHandle&) = delete;
  UvHandle& operator=(const UvHandle&) = delete;

  // [control] Call after the uv_*_init that took get(): from then on the handle is closed, not freed.
  void opened_on(Loop& loop, std::string name, void* owner) {
    loop_ = &loop;
    uv_->data = owner;
    loop.name_handle(reinterpret_cast<uv_handle_t*>(uv_), std::move(name));
  }
  Uv* get() const { return uv_; }

 private:
  Uv* uv_;
  Loop* loop_ = nullptr;
};

}  // namespace tandem::loop
