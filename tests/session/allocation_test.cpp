// A tick allocates nothing: operator new is trapped while media runs, with everything going on at once.
#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/session/engine_fixture.hpp"

namespace {

thread_local bool armed = false;
std::atomic<unsigned> caught{0};

void* allocate(std::size_t bytes) {
  if (armed) caught.fetch_add(1);
  void* got = std::malloc(bytes == 0 ? 1 : bytes);
  if (got == nullptr) std::abort();
  return got;
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes); }
void* operator new[](std::size_t bytes) { return allocate(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

namespace tandem::session {
namespace {

using namespace std::chrono_literals;

TEST_F(EngineTest, TheTrapCatchesAnAllocation) {
  armed = true;
  std::string* grown = new std::string(100, 'x');
  armed = false;
  delete grown;
  EXPECT_GE(caught.exchange(0), 1u);
}

TEST_F(EngineTest, ATickAllocatesNothingWhateverGoesOn) {
  Party alone = add(codec::pcmu());
  Party a = add(codec::pcmu()), b = add(codec::pcmu(), a.id);            // relayed
  Party c = add(codec::pcmu(), a.id), d = add(codec::pcma(), a.id, 30);  // transcoded
  ASSERT_TRUE(engine_->join(a.id, b.id).ok());
  ASSERT_TRUE(engine_->join(c.id, d.id).ok());
  ASSERT_NE(play(alone.id, {.files = {write_wav("p.wav", noise(300, 1))}, .loop = true}), 0u);
  ASSERT_NE(play(c.id, {.files = {}, .tone = Tone::ringback}), 0u);
  ASSERT_TRUE(
      engine_->record({.leg = alone.id, .path = (folder_.path() / "r.wav").string(), .stereo = true}).ok());
  Party e = add(codec::pcmu(), a.id), f = add(codec::pcmu(), a.id), g = add(codec::pcma(), a.id);
  secure(e, codec::pcmu(), srtp::Suite::aes_cm_128_hmac_sha1_80);
  secure(f, codec::pcmu(), srtp::Suite::aead_aes_256_gcm);
  ASSERT_TRUE(engine_->join(e.id, f.id).ok());  // SRTP to SRTP, relayed
  Party h = add(codec::pcmu(), a.id);
  secure(g, codec::pcma(), srtp::Suite::aes_256_cm_hmac_sha1_32);
  ASSERT_TRUE(engine_->join(g.id, h.id).ok());  // SRTP to RTP, transcoded
  Party l = add(codec::pcma(), a.id), j = add(codec::pcmu(), a.id), k = add(codec::pcmu(), a.id);
  ASSERT_TRUE(engine_->listen(a.id, l.id).ok());  // listeners: transcoded, mixed, copied
  ASSERT_TRUE(engine_->listen(a.id, j.id).ok());
  ASSERT_TRUE(engine_->listen(b.id, j.id).ok());
  ASSERT_TRUE(engine_->listen(b.id, k.id).ok());
  advance(1000ms);
  ASSERT_TRUE(engine_->send_digits(alone.id, "159#", 100ms, 70ms).ok());
  a.phone->press('4');
  d.phone->press('8');
  auto& loop = const_cast<media::MediaLoop&>(engine_->media_loop(0));
  caught = 0;
  for (int i = 0; i < 2400; ++i) {  // 12 s: RTCP, digits, cadences and all
    timers_.advance(media::kTick);
    for (const auto& phone : phones_) phone->step(timers_.now());
    armed = true;
    loop.on_tick(timers_.now(), Nanos{0}, 1);
    armed = false;
    if (i % 20 == 0) engine_->tick(timers_.now());  // the writer empties the ring
  }
  EXPECT_EQ(caught.load(), 0u);
  EXPECT_GT(loop.counters().relayed.get(), 500u);
  EXPECT_GT(loop.counters().encoded.get(), 1000u);
  EXPECT_GT(loop.counters().fed.get(), 1000u);
}

}  // namespace
}  // namespace tandem::session
