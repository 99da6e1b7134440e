// STUN messages against the vectors of RFC 5769, and what is cut, stretched or forged.
#include "core/stun/message.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tandem::stun {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes hex(const char* text) {
  Bytes out;
  unsigned value = 0, digits = 0;
  for (; *text != 0; ++text) {
    if (*text == ' ' || *text == '\n') continue;
    value = value * 16 + static_cast<unsigned>(*text <= '9' ? *text - '0' : *text - 'a' + 10);
    if (++digits % 2 == 0) out.push_back(static_cast<std::uint8_t>(value)), value = 0;
  }
  return out;
}

constexpr const char* kPassword = "VOkJxbRl1RmTxUk/WvJxBt";

// RFC 5769 2.1
const Bytes kRequest =
    hex("000100582112a442b7e7a701bc34d686fa87dfae802200105354554e2074657374"
        "20636c69656e74002400046e0001ff80290008932ff9b151263b36000600096576"
        "746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571"
        "a280280004e57a3bcf");
// RFC 5769 2.2
const Bytes kResponse4 =
    hex("0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220"
        "002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
        "80280004c07d4c96");
// RFC 5769 2.3
const Bytes kResponse6 =
    hex("010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220"
        "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf1"
        "1784c97c8292c275bfe3ed4180280004c8fb0b4c");

Message read(const Bytes& bytes) {
  Message out;
  EXPECT_EQ(parse(bytes, out), ParseVerdict::ok);
  return out;
}

TEST(StunMessage, ReadsTheRequestOfRfc5769) {
  const Message message = read(kRequest);
  EXPECT_EQ(message.kind, Class::request);
  EXPECT_EQ(message.method, kBinding);
  EXPECT_EQ(message.username, "evtj:h6vY");
  EXPECT_EQ(message.priority, 0x6e0001ffu);
  EXPECT_EQ(message.controlled, 0x932ff9b151263b36u);
  EXPECT_FALSE(message.controlling || message.use_candidate);
  EXPECT_TRUE(message.has_fingerprint);
  EXPECT_EQ(message.unknown_count, 0u);
  EXPECT_TRUE(message.authentic(kPassword));
  EXPECT_FALSE(message.authentic("VOkJxbRl1RmTxUk/WvJxBu"));
  EXPECT_FALSE(message.authentic(""));
}

TEST(StunMessage, ReadsTheResponsesOfRfc5769) {
  const Message four = read(kResponse4), six = read(kResponse6);
  EXPECT_EQ(four.kind, Class::success);
  EXPECT_EQ(four.mapped.text(), "192.0.2.1:32853");
  EXPECT_TRUE(four.authentic(kPassword));
  EXPECT_EQ(six.mapped.text(), "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
  EXPECT_TRUE(six.authentic(kPassword));
}

TEST(StunMessage, WritesWhatItReads) {
  Bytes out(256);
  Writer writer(out, Class::request, kBinding, read(kRequest).transaction);
  const std::string software = "STUN test client";
  writer.attribute(0x8022, {reinterpret_cast<const std::uint8_t*>(software.data()), software.size()});
  writer.priority(0x6e0001ff);
  writer.controlled(0x932ff9b151263b36u);
  writer.username("evtj:h6vY");
  writer.integrity(kPassword);
  writer.fingerprint();
  ASSERT_EQ(writer.bytes(), kRequest.size());
  out.resize(writer.bytes());
  EXPECT_TRUE(read(out).authentic(kPassword));
  for (const char* at : {"192.0.2.1", "2001:db8:1234:5678:11:2233:4455:6677"}) {
    Bytes answer(128);
    Writer success(answer, Class::success, kBinding, read(kRequest).transaction);
    success.mapped(*Address::parse(at, 32853));
    success.integrity(kPassword);
    answer.resize(success.bytes());
    EXPECT_EQ(read(answer).mapped, *Address::parse(at, 32853));
  }
}

TEST(StunMessage, WritesNothingThatDoesNotFit) {
  for (std::size_t room = 0; room < 20 + 12 + 24 + 8; ++room) {
    Bytes out(room);
    Writer writer(out, Class::success, kBinding, {});
    writer.mapped(*Address::parse("192.0.2.1", 1));
    writer.integrity("password");
    writer.fingerprint();
    EXPECT_EQ(writer.bytes(), 0u) << room;
  }
}

TEST(StunMessage, KnowsOneChangedBit) {
  for (std::size_t bit = 0; bit < kRequest.size() * 8; ++bit) {
    if (bit / 16 == (kRequest.size() - 8) / 2)
      continue;  // FINGERPRINT's type: another attribute, passed over
    Bytes changed = kRequest;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1u << bit % 8);
    Message out;
    const bool read_whole =
        parse(changed, out) == ParseVerdict::ok;  // a length may swallow what stands behind
    EXPECT_FALSE(read_whole && (out.has_fingerprint || out.authentic(kPassword)))
        << "FINGERPRINT, bit " << bit;
  }
  const Bytes whole(kRequest.begin(),
                    kRequest.end() - 8);  // without FINGERPRINT only the password's HMAC tells
  for (std::size_t bit = 20 * 8; bit < whole.size() * 8; ++bit) {
    Bytes changed = whole;
    changed[3] = static_cast<std::uint8_t>(changed[3] - 8);
    ASSERT_TRUE(read(changed).authentic(kPassword));
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1u << bit % 8);
    Message out;
    EXPECT_FALSE(parse(changed, out) == ParseVerdict::ok && out.authentic(kPassword)) << bit;
  }
}

TEST(StunMessage, RefusesWhatIsCutOrStretched) {
  for (std::size_t size = 0; size < kRequest.size(); ++size) {
    Message out;
    EXPECT_NE(parse(Bytes(kRequest.begin(), kRequest.begin() + static_cast<std::ptrdiff_t>(size)), out),
              ParseVerdict::ok);
  }
  Bytes longer = kRequest;
  longer.resize(longer.size() + 4);
  Message out;
  EXPECT_EQ(parse(longer, out), ParseVerdict::malformed);
  Bytes huge(65'532);
  std::copy_n(kRequest.begin(), 20, huge.begin());
  huge[2] = 0xff, huge[3] = 0xe8;
  EXPECT_EQ(parse(huge, out), ParseVerdict::ok);  // 16,378 empty attributes of type 0
  EXPECT_EQ(out.unknown_count, kUnknownMax);
  huge[22] = 0xff, huge[23] = 0xff;  // one longer than the message
  EXPECT_EQ(parse(huge, out), ParseVerdict::malformed);
}

TEST(StunMessage, TellsStunFromRtpAndDtls) {
  EXPECT_TRUE(is_stun(kRequest));
  Bytes rtp = kRequest, dtls = kRequest, old = kRequest;
  rtp[0] = 0x80, dtls[0] = 22, old[4] = 0;  // RFC 3489 had no cookie
  EXPECT_FALSE(is_stun(rtp) || is_stun(dtls) || is_stun(old) || is_stun({}));
}

struct WrongSize {
  std::uint16_t type;
  std::size_t size;
};

TEST(StunMessage, RefusesAttributesOfAWrongSize) {
  for (const WrongSize& row : {WrongSize{0x0024, 3},
                               {0x0024, 8},
                               {0x0025, 4},
                               {0x8029, 4},
                               {0x802a, 12},
                               {0x0006, 0},
                               {0x0006, 514},
                               {0x0008, 16},
                               {0x0009, 3},
                               {0x0020, 9},
                               {0x8028, 8}}) {
    Bytes out(1024);
    Writer writer(out, Class::request, kBinding, {});
    writer.attribute(row.type, Bytes(row.size));
    out.resize(writer.bytes());
    Message message;
    EXPECT_EQ(parse(out, message), ParseVerdict::malformed) << row.type << ' ' << row.size;
  }
}

TEST(StunMessage, TellsWhichRequiredAttributesItDoesNotKnow) {
  Bytes out(256);
  Writer writer(out, Class::request, kBinding, {});
  writer.attribute(0x7ff0, {});
  writer.attribute(0xc057, {});  // optional: passed over
  writer.integrity("password");
  writer.attribute(0x7ff1, {});  // after MESSAGE-INTEGRITY nothing counts
  out.resize(writer.bytes());
  const Message message = read(out);
  EXPECT_TRUE(message.authentic("password"));
  ASSERT_EQ(message.unknown_count, 1u);
  EXPECT_EQ(message.unknown[0], 0x7ff0);
}

}  // namespace
}  // namespace tandem::stun
