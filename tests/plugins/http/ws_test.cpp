// The WebSocket: requests, events with replay, limits, and a consumer that does not read.
#include "tests/plugins/http/support.hpp"

namespace tandem::http::testing {
namespace {

TEST_F(HttpTest, AnswersRequestsOverAWebSocketWithTheRightKey) {
  ASSERT_EQ(start(), 0);
  serve([&] {
    Client client(port());
    ASSERT_EQ(client.upgrade(), 101);
    // RFC 6455 section 1.3 has this very key and its answer.
    EXPECT_NE(client.upgrade_head().find("s3pplmbitxaq9kygzzhzrbk+xoo="), std::string::npos)
        << client.upgrade_head();
    for (int i = 0; i < 100; ++i) client.send_frame(rpc("echo", {{"n", i}}));
    for (int i = 0; i < 100; ++i) EXPECT_EQ(client.message()["result"]["n"], i);
  });
}

TEST_F(HttpTest, TakesAMessageInFragmentsAndOneOfAMegabyte) {
  ASSERT_EQ(start(), 0);
  serve([&] {
    Client client(port());
    ASSERT_EQ(client.upgrade(), 101);
    const std::string text = rpc("echo", {{"a", 1}});
    client.send_frame(text.substr(0, 10), 1, false);
    client.send_frame("are you there", 9);  // a ping in between
    client.send_frame(text.substr(10, 1), 0, false);
    client.send_frame(text.substr(11), 0, true);
    auto frame = client.frame();
    if (frame.opcode == 10) frame = client.frame();
    EXPECT_EQ(Json::parse(frame.text)["result"]["a"], 1);
    client.send_frame(rpc("echo", {{"text", std::string(1'000'000, 'x')}}));
    EXPECT_EQ(client.message()["result"]["text"].get<std::string>().size(), 1'000'000u);
    client.send_frame(rpc("echo", {{"text", std::string(1 << 20, 'x')}}));
    const auto closed = client.frame();
    EXPECT_EQ(closed.opcode, 8);
    EXPECT_EQ(closed.close_code(), 1009);
  });
}

TEST_F(HttpTest, ClosesOnBinaryAndAnswersTextThatIsNotUtf8AsMalformed) {
  ASSERT_EQ(start(), 0);
  serve([&] {
    Client binary(port());
    ASSERT_EQ(binary.upgrade(), 101);
    binary.send_frame("\x01\x02", 2);
    EXPECT_EQ(binary.frame().close_code(), 1003);
    Client latin(port());
    ASSERT_EQ(latin.upgrade(), 101);
    latin.send_frame("{\"a\":\"\xe4\"}");
    EXPECT_EQ(latin.message()["error"]["code"], -32700);
  });
}

TEST_F(HttpTest, AWebSocketNeedsATokenInAHeaderOrAsASubprotocol) {
  ASSERT_EQ(start({{"tokens", Json::parse(R"([{"token":"red-token-00000001","tenant":"red"}])")}}), 0);
  serve([&] {
    Client none(port());
    EXPECT_EQ(none.upgrade(), 401);
    EXPECT_EQ(Client(port()).upgrade("Authorization: Bearer red-token-00000002\r\n"), 401);
    EXPECT_EQ(Client(port()).upgrade("Sec-WebSocket-Protocol: tandem, bearer.nonsense\r\n"), 401);
    EXPECT_EQ(Client(port()).upgrade("Authorization: Bearer red-token-00000001\r\n", "/elsewhere"), 404);
    EXPECT_TRUE(none.ended());
    Client header(port());
    EXPECT_EQ(header.upgrade("Authorization: Bearer red-token-00000001\r\n"), 101);
    Client browser(port());
    ASSERT_EQ(browser.upgrade("Sec-WebSocket-Protocol: tandem, bearer.red-token-00000001\r\n"), 101);
    EXPECT_NE(browser.upgrade_head().find("sec-websocket-protocol: tandem\r\n"), std::string::npos)
        << browser.upgrade_head();
    browser.send_frame(rpc("whoami"));
    EXPECT_EQ(browser.message()["result"], Json({{"tenant", "red"}, {"role", TD_ROLE_PUBLIC}}));
  });
}

TEST_F(HttpTest, SendsEventsToWhoSubscribedUntilTheyUnsubscribe) {
  ASSERT_EQ(start(), 0);
  std::atomic<int> published{0};
  std::atomic<bool> publish{false};
  on_turn_ = [&] {
    if (publish.exchange(false)) {
      host_->publish(R"({"seq":)" + std::to_string(++published) + R"(,"event":"call.started"})");
    }
  };
  serve([&] {
    Client client(port());
    ASSERT_EQ(client.upgrade(), 101);
    client.send_frame(rpc("events.subscribe", {{"filter", {{"events", {"call.*"}}}}, {"since", 5}}));
    const auto subscription = client.message()["result"]["subscription"];
    ASSERT_TRUE(subscription.is_number_integer());
    publish = true;
    EXPECT_EQ(client.message(),
              Json::parse(R"({"jsonrpc":"2.0","method":"event","params":{"seq":1,"event":"call.started"}})"));
    client.send_frame(rpc("events.unsubscribe", {{"subscription", subscription}}));
    EXPECT_EQ(client.message()["result"], Json::object());
    publish = true;
    while (publish) std::this_thread::sleep_for(1ms);
    client.send_frame(rpc("echo"));
    EXPECT_TRUE(client.message().contains("result")) << "no event in between";
  });
  EXPECT_EQ(Json::parse(host_->subscribed_filters().at(0)),
            Json::parse(R"({"events":["call.*"],"since":5})"));
  turns_for(20ms);
  EXPECT_EQ(host_->subscribers(), 0u);
}

TEST_F(HttpTest, EndsTheSubscriptionsOfAClientThatLeaves) {
  ASSERT_EQ(start(), 0);
  serve([&] {
    Client client(port());
    ASSERT_EQ(client.upgrade(), 101);
    client.send_frame(rpc("events.subscribe"));
    client.message();
  });
  turns_for(50ms);
  EXPECT_EQ(host_->subscribers(), 0u);
}

TEST_F(HttpTest, AnswersBadSubscriptionsWithErrors) {
  ASSERT_EQ(start(), 0);
  serve([&] {
    Client client(port());
    ASSERT_EQ(client.upgrade(), 101);
    const auto error_of = [&](const std::string& text) {
      client.send_frame(text);
      return client.message()["error"];
    };
    EXPECT_EQ(error_of(rpc("events.subscribe", Json::array()))["code"], -32602);
    EXPECT_EQ(error_of(rpc("events.subscribe", {{"filter", 3}}))["code"], -32602);
    EXPECT_EQ(error_of(rpc("events.subscribe", {{"since", -3}}))["code"], -32602);
    EXPECT_EQ(error_of(rpc("events.unsubscribe"))["code"], -32602);
    EXPECT_EQ(error_of(rpc("events.unsubscribe", {{"subscription", 99}}))["data"]["code"], "not_found");
    EXPECT_EQ(error_of("[" + rpc("events.subscribe") + "]")["data"]["code"], "unsupported");
    EXPECT_EQ(error_of("{\"events.")["code"], -32700);
    for (int i = 0; i < 16; ++i) {
      client.send_frame(rpc("events.subscribe"));
      EXPECT_TRUE(client.message().contains("result"));
    }
    EXPECT_EQ(error_of(rpc("events.subscribe"))["data"]["code"], "exhausted");
  });
}

TEST_F(HttpTest, ReadsNoMoreRequestsWhileSixtyFourAreOpenAndLosesNone) {
  ASSERT_EQ(start(), 0);
  std::vector<FakeHost::Call> waiting;
  std::size_t most = 0;
  bool answering = false;
  host_->add_command("slow", [&](const FakeHost::Call& call) {
    waiting.push_back(call);
    most = std::max(most, waiting.size());
  });
  std::atomic<bool> go{false};
  on_turn_ = [&] {
    answering = answering || go;
    if (!answering || waiting.empty()) return;
    const auto call = waiting.front();
    waiting.erase(waiting.begin());
    call.ok(call.params);
  };
  serve([&] {
    Client client(port());
    ASSERT_EQ(client.upgrade(), 101);
    for (int i = 0; i < 200; ++i) client.send_frame(rpc("slow", {{"n", i}}));
    std::this_thread::sleep_for(200ms);
    go = true;
    for (int i = 0; i < 200; ++i) ASSERT_EQ(client.message()["result"]["n"], i);
  });
  EXPECT_GE(most, 64u);
  EXPECT_LE(most, 64u);
}

TEST_F(HttpTest, ClosesAConsumerThatDoesNotReadAndOthersGoOn) {
  ASSERT_EQ(start({{"max_queue", 100}}), 0);
  std::atomic<bool> flood{false};
  std::atomic<int> published{0}, taken{0};
  on_turn_ = [&] {
    if (!flood || published - taken > 50) return;  // as fast as the quick one reads
    host_->publish(R"({"event":"x","text":")" + std::string(20'000, 'x') + "\"}");
    ++published;
  };
  serve([&] {
    Client slow(port()), quick(port());
    ASSERT_EQ(slow.upgrade(), 101);
    ASSERT_EQ(quick.upgrade(), 101);
    for (Client* client : {&slow, &quick}) {
      client->send_frame(rpc("events.subscribe"));
      EXPECT_TRUE(client->message().contains("result"));
    }
    flood = true;
    for (; taken < 2000; ++taken) ASSERT_EQ(quick.frame().opcode, 1) << taken;
    flood = false;
    quick.close();
    Client::Frame last;
    while (last.opcode != 8) {
      last = slow.frame();
      if (last.opcode < 0) break;
    }
    EXPECT_EQ(last.opcode, 8) << "what was in the socket, and then the reason";
    EXPECT_EQ(last.close_code(), 1008);
    EXPECT_EQ(last.text.substr(2), "messages were not read fast enough");
  });
  on_turn_ = nullptr;
  serve([&] {
    const auto metrics = Client(port()).request("GET /metrics").body;
    EXPECT_NE(metrics.find("slow_consumers_total 1\n"), std::string::npos) << metrics;
    EXPECT_NE(metrics.find("websockets 0\n"), std::string::npos) << metrics;
  });
}

}  // namespace
}  // namespace tandem::http::testing
