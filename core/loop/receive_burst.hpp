// ReceiveBurst: what recvmmsg writes into, for the backends that receive datagrams in bursts, and the
// kernel's time stamps on the loops' clock. Thread: [media]; nothing is allocated after construction.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstring>
#include <ctime>

#include "core/base/time.hpp"
#include "core/loop/media_io.hpp"

namespace tandem::loop {

// Now on the wall clock, in the same unit as monotonic_now(): their difference moves SCM_TIMESTAMPNS over.
inline TimePoint realtime_as_point() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return TimePoint(seconds(now.tv_sec) + Nanos(now.tv_nsec));
}

// SCM_TIMESTAMPNS on the monotonic clock. The wall clock may have been set between the packet's arrival and
// now: then it is `now`.
inline TimePoint arrival_of(const cmsghdr* stamped, TimePoint now, Nanos real_to_monotonic) {
  timespec stamp{};
  std::memcpy(&stamp, CMSG_DATA(stamped), sizeof stamp);
  const TimePoint at = TimePoint(seconds(stamp.tv_sec) + Nanos(stamp.tv_nsec)) + real_to_monotonic;
  return at > now || now - at > seconds(1) ? now : at;
}

template <typename Name, std::size_t Burst, std::size_t ControlBytes>
struct ReceiveBurst {
  std::array<mmsghdr, Burst> messages{};
  std::array<iovec, Burst> vectors{};
  std::array<Name, Burst> names{};
  struct alignas(cmsghdr) Control {
    std::array<char, ControlBytes> bytes;
  };
  std::array<Control, Burst> controls{};
  std::array<std::array<std::uint8_t, MediaIo::kDatagramMax>, Burst> buffers;

  ReceiveBurst() {
    for (std::size_t i = 0; i < Burst; ++i) {
      vectors[i] = {buffers[i].data(), buffers[i].size()};
      msghdr& head = messages[i].msg_hdr;
      head.msg_name = &names[i];
      head.msg_iov = &vectors[i];
      head.msg_iovlen = 1;
      head.msg_control = controls[i].bytes.data();
      rearm(i);
    }
  }
  // recvmmsg writes the lengths that it used over those that it may use.
  void rearm(std::size_t i) {
    messages[i].msg_hdr.msg_namelen = sizeof(Name);
    messages[i].msg_hdr.msg_controllen = ControlBytes;
  }
};

}  // namespace tandem::loop
