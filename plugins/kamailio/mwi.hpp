// Mwi: message waiting (RFC 3842 over RFC 6665): subscriptions of phones, and NOTIFYs without one to the
// phones that are registered and never asked.
//
//   SUBSCRIBE ─► 200, subscribed ─► mwi {user, new, old} ─► NOTIFY to each subscription
//                                            └─► lookup ─► NOTIFY to each other contact
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

class Mwi {
 public:
  // A SUBSCRIBE, the first or a refresh; answered here in every case.
  void on_subscribe(Context& ctx, const WireEvent& request);
  // True when the answer belongs to a NOTIFY of a subscription: one that is refused ends it (RFC 6665
  // §4.2.2).
  bool on_reply(Context& ctx, const WireEvent& reply);
  void notify_subscribed(Context& ctx, const std::string& user, int fresh, int old);
  // To the contacts that have no subscription here.
  void notify_registered(Context& ctx, const Sockets& sockets, const std::string& user, int fresh, int old,
                         const std::vector<Contact>& contacts);
  void tick(Context& ctx);
  std::uint64_t next_due() const { return next_; }
  std::size_t size() const { return subscriptions_.size(); }

 private:
  struct Subscription {
    Dialog dialog;
    std::string user, source;
    std::uint64_t due = 0;
  };
  static constexpr std::size_t kMax = 20000;

  std::map<std::string, Subscription> subscriptions_;  // by Call-ID and our tag
  std::uint64_t next_ = 0;                             // not after the first one due; 0: none
};

}  // namespace tandem::kamailio
