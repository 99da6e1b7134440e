// MESSAGE outside of dialogs, both ways (RFC 3428).
//
//   in:  MESSAGE ─► message {id} ─► message_reply {id, code} ─► answer; none in 15 s: 500
//   out: message {id, to} ─► one MESSAGE a contact ─► message_sent {id, code}: the first 2xx, or the best
//   refusal
//
// Thread: one ([control]).
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "kamailio/dialog.hpp"
#include "kamailio/sockets.hpp"

namespace tandem::kamailio {

class Messages {
 public:
  // One text out. No contact: message_sent with 404 at once.
  void send(Context& ctx, const Sockets& sockets, const std::string& id, const std::vector<Contact>& contacts,
            const Contact& from, const std::string& from_name, const std::string& ctype,
            const std::string& body);
  // True when the answer belongs to a MESSAGE of ours.
  bool on_reply(Context& ctx, const WireEvent& reply);
  void on_request(Context& ctx, const WireEvent& request);
  void reply(Context& ctx, const std::string& id, int code);
  // The link went down for good, or Kamailio restarted: what was under way failed with 503.
  void on_lost(Context& ctx);
  void tick(Context& ctx);
  std::uint64_t next_due() const { return next_; }

 private:
  struct Sent {
    std::string id;
    std::size_t open = 0;
    int best = 0;
    std::uint64_t due = 0;
  };
  struct Got {
    std::string tid, tag;
    std::uint64_t due = 0;
  };
  static constexpr std::size_t kMax = 10000;
  void expect_at(std::uint64_t due) { next_ = next_ == 0 ? due : std::min(next_, due); }

  std::map<std::string, Sent> sent_;  // by Call-ID, which all copies share
  std::map<std::string, Got> got_;    // by id
  std::uint64_t next_ = 0;            // not after the first one due; 0: none
};

}  // namespace tandem::kamailio
