// DialogTable: the dialogs that live, found by leg, by their SIP identifiers, by the transaction of their
// INVITE, and by their next deadline. Thread: one ([control]).
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kamailio/dialog.hpp"

namespace tandem::kamailio {

class DialogTable {
 public:
  // Takes the dialog in; the reference lives until erase(). Null when the leg or the Call-ID with our tag is
  // there already.
  Dialog* add(Dialog dialog);
  Dialog* by_leg(std::string_view leg) const;
  // RFC 3261 §12: our tag tells the dialogs of one Call-ID apart.
  Dialog* by_local(std::string_view call_id, std::string_view local_tag) const;
  // A call that came in, for CANCEL and merged requests, which carry no tag of ours.
  Dialog* by_remote(std::string_view call_id, std::string_view remote_tag) const;
  Dialog* by_tid(std::string_view tid) const;
  // After every step on a dialog: files it under its next deadline.
  void touch(Dialog& dialog);
  // The dialog that is due first and not after `now`, or null.
  Dialog* due(std::uint64_t now) const;
  std::uint64_t next_due() const { return deadlines_.empty() ? 0 : deadlines_.begin()->first; }
  void erase(Dialog& dialog);
  // Every dialog's leg; steps on one may add and erase others.
  std::vector<std::string> legs() const;
  std::size_t size() const { return legs_.size(); }

 private:
  using Index = std::unordered_map<std::string, Dialog*>;
  static Dialog* find(const Index& index, const std::string& key);

  std::unordered_map<std::string, std::unique_ptr<Dialog>> legs_;
  Index local_, remote_, tids_;
  std::set<std::pair<std::uint64_t, Dialog*>> deadlines_;
};

}  // namespace tandem::kamailio
