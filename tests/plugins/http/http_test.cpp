// HTTP as real clients speak it: answers, tokens, limits, bad requests, and a clean end.
#include "tests/plugins/http/support.hpp"

namespace tandem::http::testing {
namespace {

const Json kTokens =
    Json::parse(R"([{"token":"operator-token-0001"},{"token":"red-token-00000001","tenant":"red"}])");
const std::string kBearer = "Authorization: Bearer operator-token-0001\r\n";

TEST_F(HttpTest, AnswersAJsonRpcPostAndKeepsTheConnectionForTheNext) {
  ASSERT_EQ(start(), 0) << host_->error();
  serve([&] {
    Client client(port());
    for (int i = 0; i < 3; ++i) {
      const auto answer = client.request("POST /rpc", "", rpc("echo", {{"n", i}}));
      EXPECT_EQ(answer.status, 200);
      EXPECT_EQ(Json::parse(answer.body)["result"]["n"], i);
      EXPECT_NE(answer.head.find("content-type: application/json"), std::string::npos);
      EXPECT_EQ(answer.head.find("access-control"), std::string::npos);
    }
  });
}

TEST_F(HttpTest, ListensOnIpv6) {
  ASSERT_EQ(start({{"listen", {"127.0.0.1:0", "[::1]:0"}}}), 0) << host_->error();
  ASSERT_EQ(ports_.size(), 2u);
  serve([&] {
    EXPECT_EQ(Client(ports_[0]).request("GET /health").status, 200);
    EXPECT_EQ(Client(ports_[1], true).request("GET /health").status, 200);
  });
}

TEST_F(HttpTest, AnswersANotificationWith204AndBadJsonWith400) {
  ASSERT_EQ(start(), 0);
  serve([&] {
    Client client(port());
    EXPECT_EQ(client.request("POST /rpc", "", R"({"jsonrpc":"2.0","method":"echo"})").status, 204);
    const auto broken = client.request("POST /rpc", "", "{\"a\":");
    EXPECT_EQ(broken.status, 400);
    EXPECT_EQ(Json::parse(broken.body)["error"]["code"], -32700);
    EXPECT_EQ(client.request("GET /health").status, 200);
  });
}

TEST_F(HttpTest, AnswersLaterWhenTheCommandDoes) {
  ASSERT_EQ(start(), 0);
  std::vector<FakeHost::Call> waiting;
  host_->add_command("slow", [&](const FakeHost::Call& call) { waiting.push_back(call); });
  int turns = 0;
  on_turn_ = [&] {
    if (!waiting.empty() && ++turns == 30) {
      waiting[0].ok(R"({"late":true})");
      waiting.clear();
    }
  };
  serve([&] {
    Client client(port());
    // A second request comes on the heels of the first and waits its turn.
    client.send(
        "POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(rpc("slow").size()) +
        "\r\n\r\n" + rpc("slow") + "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(Json::parse(client.answer().body)["result"]["late"], true);
    EXPECT_EQ(client.answer().body, R"({"status":"ok"})");
  });
}

TEST_F(HttpTest, AnAnswerForAClientThatLeftIsDropped) {
  ASSERT_EQ(start(), 0);
  std::vector<FakeHost::Call> waiting;
  host_->add_command("slow", [&](const FakeHost::Call& call) { waiting.push_back(call); });
  serve([&] {
    Client client(port());
    client.send("POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                std::to_string(rpc("slow").size()) + "\r\n\r\n" + rpc("slow"));
    std::this_thread::sleep_for(50ms);
  });
  ASSERT_EQ(waiting.size(), 1u);
  turns_for(20ms);
  waiting[0].ok("{}");
  turns_for(20ms);
  serve([&] { EXPECT_EQ(Client(port()).request("GET /health").status, 200); });
}

TEST_F(HttpTest, SendsAnAnswerOfManyMegabytesWhole) {
  ASSERT_EQ(start(), 0);
  host_->add_command("big",
                     [](const FakeHost::Call& call) { call.ok("\"" + std::string(8 << 20, 'x') + "\""); });
  serve([&] {
    const auto answer = Client(port()).request("POST /rpc", "", rpc("big"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(Json::parse(answer.body)["result"].get<std::string>().size(), 8u << 20);
  });
}

TEST_F(HttpTest, TakesABodyOfAMegabyteAndRefusesMoreWith413) {
  ASSERT_EQ(start(), 0);
  const std::string frame = rpc("echo", {{"text", ""}});
  const std::string fits = rpc("echo", {{"text", std::string((1 << 20) - frame.size(), 'x')}});
  ASSERT_EQ(fits.size(), 1u << 20);
  serve([&] {
    Client client(port());
    EXPECT_EQ(client.request("POST /rpc", "", fits).status, 200);
    const auto over = client.request("POST /rpc", "", fits + " ");
    EXPECT_EQ(over.status, 413);
    EXPECT_EQ(Json::parse(over.body)["error"]["code"], "exhausted");
    const auto ten = Client(port()).request("POST /rpc", "", std::string(10 << 20, 'x'));
    EXPECT_EQ(ten.status, 413);
    EXPECT_EQ(Client(port()).request("GET /health").status, 200);
  });
}

TEST_F(HttpTest, AnswersEachBadRequestWithItsStatusAndAJsonError) {
  ASSERT_EQ(start({{"tokens", kTokens}}), 0);
  struct Row {
    const char* line;
    std::string headers, body;
    int status;
  };
  const Row table[] = {
      {"GET /", kBearer, "", 404},
      {"GET /rpc", kBearer, "", 405},
      {"POST /metrics", kBearer, "{}", 405},
      {"POST /health", "", "{}", 405},
      {"DELETE /rpc", kBearer, "", 405},
      {"GET /ws", kBearer, "", 426},
      {"POST /rpc", "", "{}", 401},
      {"POST /rpc", "Authorization: Bearer operator-token-0002\r\n", "{}", 401},
      {"POST /rpc", "Authorization: Bearer \r\n", "{}", 401},
      {"POST /rpc", "Authorization: Basic operator-token-0001\r\n", "{}", 401},
      {"POST /rpc", "Authorization: Bearer operator-token-00011\r\n", "{}", 401},
      {"POST /rpc?token=operator-token-0001", "", "{}", 401},
      {"GET /metrics", "", "", 401},
      {"GET /metrics", "Authorization: Bearer red-token-00000001\r\n", "", 403},
      {"POST /rpc", kBearer + "Transfer-Encoding: chunked\r\n", "", 411},
      {"POST /rpc", kBearer, "", 411},
      {"POST /rpc", kBearer + "Content-Length: -5\r\n", "", 411},
      {"POST /rpc", kBearer + "Content-Length: 0\r\n", "", 411},
      {"POST /rpc", kBearer + "Content-Length: 5x\r\n", "", 411},
      {"GET /../../etc/passwd", kBearer, "", 404},
  };
  serve([&] {
    for (const Row& row : table) {
      Client client(port());
      const auto answer = client.request(row.line, row.headers, row.body);
      EXPECT_EQ(answer.status, row.status) << row.line << ' ' << row.headers;
      EXPECT_TRUE(Json::parse(answer.body, nullptr, false).contains("error"))
          << row.line << ": " << answer.body;
    }
  });
}

TEST_F(HttpTest, ATokenIsItsTenantsAndSpeaksForThePublic) {
  ASSERT_EQ(start({{"tokens", kTokens}}), 0);
  serve([&] {
    Client client(port());
    const auto red = Json::parse(
        client.request("POST /rpc", "authorization: bearer red-token-00000001\r\n", rpc("whoami")).body);
    EXPECT_EQ(red["result"], Json({{"tenant", "red"}, {"role", TD_ROLE_PUBLIC}}));
    const auto operators = Json::parse(client.request("POST /rpc", kBearer, rpc("whoami")).body);
    EXPECT_EQ(operators["result"]["tenant"], "");
  });
}

TEST_F(HttpTest, WithoutATokenForeignPagesAreRefused) {
  ASSERT_EQ(start(), 0);
  serve([&] {
    Client client(port());
    EXPECT_EQ(client.request("POST /rpc", "Origin: http://evil.example\r\n", rpc("echo")).status, 403);
    EXPECT_EQ(Client(port()).upgrade("Origin: http://evil.example\r\n"), 403);
    Client rebound(port());
    rebound.send("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    EXPECT_EQ(rebound.answer().status, 403);
    EXPECT_EQ(client.request("POST /rpc", "Origin: http://localhost\r\n", rpc("echo")).status, 200);
  });
}

TEST_F(HttpTest, RefusesToListenBeyondLoopbackWithoutAToken) {
  EXPECT_LT(start({{"listen", "0.0.0.0:0"}}), 0);
  EXPECT_NE(host_->error().find("tokens"), std::string::npos) << host_->error();
  EXPECT_LT(start({{"listen", "[::]:0"}}), 0);
  EXPECT_EQ(start({{"listen", "0.0.0.0:0"}, {"tokens", kTokens}}), 0) << host_->error();
}

TEST_F(HttpTest, RefusesOptionsItDoesNotUnderstandWithoutRepeatingTokens) {
  for (const char* options :
       {R"({"listen":"localhost:80"})", R"({"listen":"127.0.0.1"})", R"({"listen":"127.0.0.1:70000"})",
        R"({"listen":[]})", R"({"tokens":"secret-secret-secret"})",
        R"({"tokens":[{"token":"secret-short"}]})", R"({"tokens":[{"token":"secret with spaces in it"}]})",
        R"({"port":1})", R"({"max_connections":0})", "[]"}) {
    FakeHost host(options);
    EXPECT_LT(host.activate(tandem_plugin_http()), 0) << options;
    EXPECT_FALSE(host.error().empty()) << options;
    EXPECT_EQ(host.error().find("secret"), std::string::npos) << host.error();
  }
}

TEST_F(HttpTest, SaysWhichPortIsTaken) {
  ASSERT_EQ(start(), 0);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  const std::string taken = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  EXPECT_LT(start({{"listen", taken}}), 0);
  EXPECT_NE(host_->error().find(taken), std::string::npos) << host_->error();
  ::close(fd);
}

TEST_F(HttpTest, GivesMetricsOfTheServerAndItsOwn) {
  ASSERT_EQ(start(), 0);
  host_->set_metrics("tandem_calls 3\n");
  serve([&] {
    const auto answer = Client(port()).request("GET /metrics");
    EXPECT_EQ(answer.status, 200);
    EXPECT_NE(answer.body.find("tandem_calls 3\n"), std::string::npos);
    EXPECT_NE(answer.body.find("\nconnections 1\n"), std::string::npos) << answer.body;
  });
}

TEST_F(HttpTest, EndsAClientThatSendsItsRequestTooSlowly) {
  ASSERT_EQ(start({{"request_timeout_s", 1}}), 0);
  serve([&] {
    Client silent(port()), headers(port()), body(port());
    const auto begun = std::chrono::steady_clock::now();
    body.send("POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n");
    headers.send("GET /health HTTP/1.1\r\n");
    for (int i = 0; i < 15; ++i) {  // a byte now and then does not help
      headers.send("X");
      body.send("x");
      std::this_thread::sleep_for(100ms);
    }
    EXPECT_TRUE(silent.ended());
    EXPECT_TRUE(headers.ended());
    EXPECT_TRUE(body.ended());
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 4s);
  });
  serve([&] {
    EXPECT_NE(Client(port()).request("GET /metrics").body.find("timeouts_total 3\n"), std::string::npos);
  });
}

TEST_F(HttpTest, TakesNoMoreConnectionsThanItsLimitAndServesAgainWhenOneEnds) {
  ASSERT_EQ(start({{"max_connections", 2}}), 0);
  serve([&] {
    Client one(port());
    EXPECT_EQ(one.request("GET /health").status, 200);
    {
      Client two(port());
      EXPECT_EQ(two.request("GET /health").status, 200);
      Client three(port());
      EXPECT_EQ(three.request("GET /health").status, 0) << "closed at once";
    }
    std::this_thread::sleep_for(50ms);
    Client four(port());
    EXPECT_EQ(four.request("GET /health").status, 200);
    EXPECT_NE(one.request("GET /metrics").body.find("connections_refused_total 1\n"), std::string::npos);
  });
}

TEST_F(HttpTest, SurvivesBytesThatAreNoHttp) {
  ASSERT_EQ(start(), 0);
  serve([&] {
    std::string random;
    for (unsigned i = 0, x = 1; i < 20'000; ++i)
      random += static_cast<char>((x = x * 1103515245 + 12345) >> 16);
    const std::string many_headers = [] {
      std::string text = "GET /health HTTP/1.1\r\n";
      for (int i = 0; i < 2000; ++i) text += "X-" + std::to_string(i) + ": y\r\n";
      return text + "\r\n";
    }();
    for (const std::string& text :
         {random, many_headers, std::string("\r\n\r\n\r\n"), std::string(70'000, 'A'),
          "GET " + std::string(70'000, '/') + " HTTP/1.1\r\n\r\n",
          std::string("GET /health HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, "
                      "HTTP2-Settings\r\nHTTP2-Settings: AAAA\r\n\r\n"),
          std::string("GET /ws HTTP/1.1\r\nUpgrade: nonsense\r\nConnection: Upgrade\r\n\r\n"),
          std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), std::string("CONNECT x:1 HTTP/1.1\r\n\r\n")}) {
      Client client(port());
      client.send(text);
      std::this_thread::sleep_for(20ms);
    }
    EXPECT_EQ(Client(port()).request("GET /health").status, 200);
  });
}

TEST_F(HttpTest, EndsWithOpenConnectionsAndOpenRequests) {
  ASSERT_EQ(start(), 0);
  std::vector<FakeHost::Call> waiting;
  host_->add_command("slow", [&](const FakeHost::Call& call) { waiting.push_back(call); });
  std::vector<std::unique_ptr<Client>> clients;
  serve([&] {
    for (int i = 0; i < 5; ++i) clients.push_back(std::make_unique<Client>(port()));
    clients[0]->send("POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                     std::to_string(rpc("slow").size()) + "\r\n\r\n" + rpc("slow"));
    EXPECT_EQ(clients[1]->upgrade(), 101);
    std::this_thread::sleep_for(50ms);
  });
  ASSERT_EQ(waiting.size(), 1u);
  host_->deactivate();
  EXPECT_EQ(host_->watches(), 0u);
  EXPECT_EQ(host_->timers(), 0u);
  EXPECT_EQ(host_->subscribers(), 0u);
  waiting[0].ok("{}");  // nobody is there; nothing happens
  for (auto& client : clients) EXPECT_TRUE(client->ended());
}

}  // namespace
}  // namespace tandem::http::testing
