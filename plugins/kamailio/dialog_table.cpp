// The indexes over the dialogs; see dialog_table.hpp.
#include "kamailio/dialog_table.hpp"

namespace tandem::kamailio {
namespace {

std::string key(std::string_view call_id, std::string_view tag) {
  std::string out(call_id);
  out += '\n';
  out += tag;
  return out;
}

}  // namespace

Dialog* DialogTable::find(const Index& index, const std::string& wanted) {
  const auto it = index.find(wanted);
  return it == index.end() ? nullptr : it->second;
}

Dialog* DialogTable::add(Dialog dialog) {
  const std::string local = key(dialog.call_id, dialog.local_tag);
  if (legs_.count(dialog.leg) != 0 || local_.count(local) != 0) return nullptr;
  auto owned = std::make_unique<Dialog>(std::move(dialog));
  Dialog* d = owned.get();
  legs_.emplace(d->leg, std::move(owned));
  local_.emplace(local, d);
  if (d->role == Role::uas) {
    remote_.insert_or_assign(key(d->call_id, d->remote_tag), d);
    tids_.insert_or_assign(d->invite_tid, d);
  }
  d->indexed = 0;
  touch(*d);
  return d;
}

Dialog* DialogTable::by_leg(std::string_view leg) const {
  const auto it = legs_.find(std::string(leg));
  return it == legs_.end() ? nullptr : it->second.get();
}
Dialog* DialogTable::by_local(std::string_view call_id, std::string_view tag) const {
  return find(local_, key(call_id, tag));
}
Dialog* DialogTable::by_remote(std::string_view call_id, std::string_view tag) const {
  return find(remote_, key(call_id, tag));
}
Dialog* DialogTable::by_tid(std::string_view tid) const { return find(tids_, std::string(tid)); }

void DialogTable::touch(Dialog& d) {
  const std::uint64_t next = d.next_due();
  if (next == d.indexed) return;
  if (d.indexed != 0) deadlines_.erase({d.indexed, &d});
  if (next != 0) deadlines_.insert({next, &d});
  d.indexed = next;
}

Dialog* DialogTable::due(std::uint64_t now) const {
  return deadlines_.empty() || deadlines_.begin()->first > now ? nullptr : deadlines_.begin()->second;
}

void DialogTable::erase(Dialog& d) {
  if (d.indexed != 0) deadlines_.erase({d.indexed, &d});
  local_.erase(key(d.call_id, d.local_tag));
  const auto drop = [&](Index& index, const std::string& wanted) {
    const auto it = index.find(wanted);
    if (it != index.end() && it->second == &d) index.erase(it);
  };
  drop(remote_, key(d.call_id, d.remote_tag));
  drop(tids_, d.invite_tid);
  const std::string leg = d.leg;
  legs_.erase(leg);
}

std::vector<std::string> DialogTable::legs() const {
  std::vector<std::string> out;
  out.reserve(legs_.size());
  for (const auto& [leg, dialog] : legs_) out.push_back(leg);
  return out;
}

}  // namespace tandem::kamailio
