// Fuzz: an event of the signaling plugin, as any bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/app/signaling_events.hpp"

namespace {

// Takes everything and keeps nothing.
class Deaf final : public tandem::call::SignalingListener {
 public:
  void on_link_up() override {}
  void on_link_down() override {}
  void on_incoming(const tandem::call::Incoming&) override {}
  void on_progress(const tandem::call::Progress&) override {}
  void on_answered(const tandem::call::Answered&) override {}
  void on_failed(const tandem::call::Failed&) override {}
  void on_confirmed(const std::string&, const std::string&) override {}
  void on_ended(const tandem::call::Ended&) override {}
  void on_reoffer(const tandem::call::Reoffer&) override {}
  void on_reanswered(const tandem::call::Reanswered&) override {}
  void on_refer(const tandem::call::Refer&) override {}
  void on_refer_progress(const tandem::call::ReferProgress&) override {}
  void on_info(const tandem::call::Info&) override {}
  void on_info_digit(const tandem::call::InfoDigit&) override {}
  void on_message(const tandem::call::Message&) override {}
  void on_registered(const tandem::call::Registered&) override {}
  void on_contacts(const std::string&, const std::string&,
                   const std::vector<tandem::call::Contact>&) override {}
  void on_subscribed(const tandem::call::Subscribed&) override {}
  void on_message_sent(const std::string&, int) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Deaf deaf;
  (void)tandem::app::deliver_event({reinterpret_cast<const char*>(data), size}, deaf);
  return 0;
}
