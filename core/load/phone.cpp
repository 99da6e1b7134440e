// Phone: the making of a call's phones.
#include "core/load/phone.hpp"

#include <fmt/format.h>

#include "core/base/text.hpp"

namespace tandem::load {
namespace {

bool is_g711(const td_codec& codec) { return codec.static_type == 0 || codec.static_type == 8; }

Result<void> secure(Phone& phone) {
  const PhoneSpec& spec = phone.spec;
  if (!spec.key && !spec.peer_key) return {};
  if (!spec.key || !spec.peer_key)
    return Error{ErrorCode::invalid, spec.key
                                         ? "the server's SDP has no a=crypto of the suite that was asked for"
                                         : "the server answers plain RTP with SRTP"};
  auto sealer = srtp::Sender::create({.key = *spec.key}, Voice::ssrc_of(spec.leg));
  if (!sealer) return sealer.error();
  auto opener = srtp::Receiver::create({.key = *spec.peer_key});
  if (!opener) return opener.error();
  phone.sealer = std::move(*sealer);
  phone.opener = std::move(*opener);
  return {};
}

Result<PhonePtr> make_phone(const PhoneSpec& spec, const Melody& melody, TimePoint now) {
  auto phone = std::make_unique<Phone>();
  phone->spec = spec;
  phone->born = now;
  std::unique_ptr<codec::Encoder> encoder;
  if (spec.says != Marks::payload && !is_g711(*spec.codec)) {
    auto made = codec::Encoder::create(spec.codec, spec.peer_fmtp);
    if (!made) return made.error();
    encoder = std::make_unique<codec::Encoder>(std::move(*made));
  }
  phone->voice = std::make_unique<Voice>(spec, melody, std::move(encoder));
  if (auto secured = secure(*phone); !secured) return secured.error();
  return phone;
}

Result<void> give_ear(Phone& phone, const Melody& melody, const Voice* partner,
                      std::vector<const Voice*> choir) {
  std::unique_ptr<codec::Decoder> decoder;
  if (phone.spec.expects == Marks::audio || phone.spec.expects == Marks::any) {
    auto made = codec::Decoder::create(phone.spec.codec, phone.spec.codec->default_fmtp);
    if (!made) return made.error();
    decoder = std::make_unique<codec::Decoder>(std::move(*made));
  }
  phone.ear =
      std::make_unique<Ear>(phone.spec, melody, partner, std::move(decoder), phone.born, std::move(choir));
  return {};
}

}  // namespace

Result<const td_codec*> phone_codec(const codec::CodecRegistry& codecs, const std::string& name,
                                    unsigned ptime_ms) {
  std::string known;
  for (const td_codec* one : codecs.all()) {
    const std::string full = fmt::format("{}/{}", one->name, one->clock_rate);
    if (same_name(one->name, name) || same_name(full, name)) {
      // The melody has three rates, and phones have one channel and whole samples in a millisecond.
      const bool rate = one->sample_rate == 8000 || one->sample_rate == 16000 || one->sample_rate == 48000;
      if (!rate || one->channels != 1 || one->clock_rate % 1000 != 0)
        return Error{
            ErrorCode::unsupported,
            fmt::format("phones speak codecs of 8, 16 and 48 kHz with one channel, {} has {} Hz and {}", name,
                        one->sample_rate, one->channels)};
      if (one->sample_rate / 1000 * ptime_ms % one->frame_samples != 0)
        return Error{ErrorCode::unsupported,
                     fmt::format("{} has frames of {} ms, which {} ms do not hold", name,
                                 one->frame_samples * 1000 / one->sample_rate, ptime_ms)};
      return one;
    }
    if (one->channels == 1) known += (known.empty() ? "" : ", ") + full;
  }
  return Error{ErrorCode::not_found, fmt::format("no codec {} is here; there are {}", name, known)};
}

Result<std::vector<PhonePtr>> make_phones(std::span<const PhoneSpec> specs, const Melody& melody,
                                          TimePoint now) {
  std::vector<PhonePtr> phones;
  std::vector<const Voice*> voices;
  for (const PhoneSpec& spec : specs) {
    auto phone = make_phone(spec, melody, now);
    if (!phone) return phone.error();
    voices.push_back((*phone)->voice.get());
    phones.push_back(std::move(*phone));
  }
  const bool room = !specs.empty() && specs[0].talk.members > 0;
  for (std::size_t i = 0; i < phones.size(); ++i) {
    const bool own = room || (specs.size() == 1 && specs[0].hears == specs[0].leg);
    const Voice* heard = own ? voices[i] : specs.size() == 2 ? voices[1 - i] : nullptr;
    if (auto made = give_ear(*phones[i], melody, heard, room ? voices : std::vector<const Voice*>()); !made)
      return made.error();
  }
  return phones;
}

}  // namespace tandem::load
