// Phone: the making of a call's phones.
#include "core/load/phone.hpp"

namespace tandem::load {
namespace {

bool is_g711(const td_codec& codec) { return codec.static_type == 0 || codec.static_type == 8; }

Result<PhonePtr> make_phone(const PhoneSpec& spec, const Melody& melody, TimePoint now) {
  auto phone = std::make_unique<Phone>();
  phone->spec = spec;
  phone->born = now;
  std::unique_ptr<codec::Encoder> encoder;
  if (spec.says != Marks::payload && !is_g711(*spec.codec)) {
    auto made = codec::Encoder::create(spec.codec, "");
    if (!made) return made.error();
    encoder = std::make_unique<codec::Encoder>(std::move(*made));
  }
  phone->voice = std::make_unique<Voice>(spec, melody, std::move(encoder));
  return phone;
}

Result<void> give_ear(Phone& phone, const Melody& melody, const Voice* partner) {
  std::unique_ptr<codec::Decoder> decoder;
  if (phone.spec.expects == Marks::audio) {
    auto made = codec::Decoder::create(phone.spec.codec, "");
    if (!made) return made.error();
    decoder = std::make_unique<codec::Decoder>(std::move(*made));
  }
  phone.ear = std::make_unique<Ear>(phone.spec, melody, partner, std::move(decoder), phone.born);
  return {};
}

}  // namespace

Result<Party> make_party(const PhoneSpec& one, const PhoneSpec* other, const Melody& melody, TimePoint now) {
  Party party;
  auto first = make_phone(one, melody, now);
  if (!first) return first.error();
  party.one = std::move(*first);
  if (other != nullptr) {
    auto second = make_phone(*other, melody, now);
    if (!second) return second.error();
    party.other = std::move(*second);
  }
  const Voice* heard = party.other            ? party.other->voice.get()
                       : one.hears == one.leg ? party.one->voice.get()
                                              : nullptr;
  if (auto made = give_ear(*party.one, melody, heard); !made) return made.error();
  if (party.other)
    if (auto made = give_ear(*party.other, melody, party.one->voice.get()); !made) return made.error();
  return party;
}

}  // namespace tandem::load
