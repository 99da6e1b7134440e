// FdWatch: see the header.
#include "core/loop/fd_watch.hpp"

#include <fmt/format.h>
#include <uv.h>

#include <utility>

#include "core/loop/uv_handle.hpp"

namespace tandem::loop {

static_assert(FdWatch::kReadable == UV_READABLE && FdWatch::kWritable == UV_WRITABLE);

struct FdWatch::Handle : UvHandle<uv_poll_t> {};

FdWatch::FdWatch() : handle_(std::make_unique<Handle>()) {}
FdWatch::~FdWatch() {
  TANDEM_ASSERT_AFFINITY(affinity_);
  uv_poll_stop(handle_->get());
}

Result<std::unique_ptr<FdWatch>> FdWatch::open(Loop& loop, int fd, int events, std::string name,
                                               Ready ready) {
  // Checked before there is a wrapper, whose end would close a handle that was never opened.
  auto handle = std::make_unique<Handle>();
  if (const int code = uv_poll_init(loop.native(), handle->get(), fd); code != 0)
    return Error{ErrorCode::invalid,
                 fmt::format("{}: descriptor {} cannot be watched: {}", name, fd, uv_strerror(code))};
  std::unique_ptr<FdWatch> made(new FdWatch);
  made->handle_ = std::move(handle);
  made->ready_ = std::make_shared<const Ready>(std::move(ready));
  made->handle_->opened_on(loop, fmt::format("{} (descriptor {})", name, fd), made.get());
  made->change(events);
  return made;
}

void FdWatch::change(int events) {
  TANDEM_ASSERT_AFFINITY(affinity_);
  if (events == 0) {
    uv_poll_stop(handle_->get());
    return;
  }
  uv_poll_start(handle_->get(), events & (kReadable | kWritable),
                [](uv_poll_t* handle, int status, int seen) {
                  auto* self = static_cast<FdWatch*>(handle->data);
                  if (self == nullptr) return;
                  const auto ready = self->ready_;
                  (*ready)(status < 0 ? kReadable | kWritable : seen);
                });
}

}  // namespace tandem::loop
