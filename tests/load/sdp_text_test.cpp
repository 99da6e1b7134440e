// A phone's SDP and codecs: what is written is read, what is hostile is passed over.
#include "core/load/sdp_text.hpp"

#include <gtest/gtest.h>

#include "core/codec/g711.hpp"
#include "core/codec/l16.hpp"
#include "core/load/phone.hpp"

namespace tandem::load {
namespace {

PlannedLeg sealed_leg() {
  PlannedLeg leg;
  leg.codec = codec::pcmu();
  leg.local = *Address::parse("127.0.0.1", 4000);
  leg.key = srtp::Key::random(srtp::Suite::aes_cm_128_hmac_sha1_80);
  return leg;
}

TEST(SdpText, WhatAPhoneWritesIsWhatAPhoneReads) {
  const PlannedLeg leg = sealed_leg();
  const auto read = read_sdp(sdp_of(leg, 7, 0, 20, 5), leg);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->at.text(), "127.0.0.1:4000");
  EXPECT_EQ(read->type, 0);
  EXPECT_EQ(read->crypto_tag, 5U);
  ASSERT_TRUE(read->key);
  EXPECT_TRUE(*read->key == *leg.key);
  EXPECT_NE(sdp_of(leg, 7, 0, 20).find("RTP/SAVP"), std::string::npos);
}

TEST(SdpText, CryptoLinesOfOthersAndBrokenOnesArePassedOver) {
  const PlannedLeg leg = sealed_leg();
  const std::string good = leg.key->to_base64();
  const std::string head = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/SAVP 0\r\n";
  struct Row {
    std::string lines;
    bool found;
  };
  for (const Row& row :
       {Row{"a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:" + good + "\r\n", false}, Row{"a=crypto:\r\n", false},
        Row{"a=crypto:1 AES_CM_128_HMAC_SHA1_80\r\n", false},
        Row{"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\r\n", false},
        Row{"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:short\r\n", false},
        Row{"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + good + "|2^31|1:1\r\n", true},
        Row{"a=crypto:1 NULL inline:x\r\na=crypto:2 aes_cm_128_hmac_sha1_80 inline:" + good + "\r\n",
            true}}) {
    const auto read = read_sdp(head + row.lines, leg);
    ASSERT_TRUE(read) << row.lines;
    EXPECT_EQ(read->key.has_value(), row.found) << row.lines;
  }
}

TEST(SdpText, TheServersFmtpIsTheCodecs) {
  PlannedLeg leg = sealed_leg();
  const auto read = read_sdp(
      "m=audio 4000 RTP/AVP 96 97\na=fmtp:97 no\na=fmtp:96 yes=1\na=rtpmap:96 "
      "pcmu/8000\nc=IN IP4 127.0.0.1\n",
      leg);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->type, 96);
  EXPECT_EQ(read->fmtp, "yes=1");
}

TEST(PhoneCodec, IsFoundByNameAndClockAndRefusedWithWhatThereIs) {
  codec::CodecRegistry codecs;
  ASSERT_TRUE(codecs.add(codec::pcmu()));
  for (const td_codec* one : codec::l16_all()) ASSERT_TRUE(codecs.add(one));
  EXPECT_EQ(*phone_codec(codecs, "pcmu", 20), codec::pcmu());
  EXPECT_EQ((*phone_codec(codecs, "L16/16000", 20))->clock_rate, 16000U);
  EXPECT_EQ(phone_codec(codecs, "L16/24000", 20).error().code, ErrorCode::unsupported);
  EXPECT_NE(phone_codec(codecs, "none", 20).error().message.find("L16/16000"), std::string::npos);
}

}  // namespace
}  // namespace tandem::load
