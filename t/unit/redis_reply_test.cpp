// Replies as they come over the wire: the bounded reader, and what a reply is taken for.

#include "redis/reader.h"

#include "unit.h"

using guard::redis::Fault;
using guard::redis::Reader;
using guard::redis::Reply;
using guard::unit::expect_text;

namespace {

// Calls look with the one reply in bytes, which come one by one.
template <class Look>
void with_reply(std::string_view bytes, Look&& look) {
  Reader reader;
  assert_true(reader.start());
  int replies = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    assert_int_equal(replies, 0);
    assert_true(reader.feed(bytes.substr(i, 1)));
    assert_true(reader.drain([&](const Reply& reply) {
      look(reply);
      ++replies;
      return true;
    }));
  }
  assert_int_equal(replies, 1);
}

bool understood(std::string_view bytes) {
  Reader reader;
  return reader.start() && reader.feed(bytes) && reader.drain([](const Reply&) { return true; });
}

void kinds(void**) {
  with_reply(":-42\r\n", [](const Reply& reply) {
    assert_true(reply.ok() && reply.is_integer());
    assert_int_equal(reply.integer(), -42);
    expect_text(reply.text(), "");
    assert_int_equal(reply.size(), 0);
  });
  with_reply("+OK\r\n", [](const Reply& reply) {
    assert_true(reply.ok() && reply.is_text() && !reply.is_integer());
    expect_text(reply.text(), "OK");
    assert_int_equal(reply.integer(), 0);
  });
  with_reply("$5\r\n-1234\r\n", [](const Reply& reply) {
    assert_true(reply.is_text());
    assert_int_equal(reply.integer(), -1234);
  });
  with_reply("$20\r\n18446744073709551616\r\n",
             [](const Reply& reply) { assert_int_equal(reply.integer(), 0); });
  with_reply("$2\r\n1x\r\n", [](const Reply& reply) { assert_int_equal(reply.integer(), 0); });
  with_reply("-NOSCRIPT No matching script.\r\n", [](const Reply& reply) {
    assert_true(reply.fault() == Fault::error);
    assert_false(reply.ok());
    assert_false(reply.is_text());
    expect_text(reply.text(), "NOSCRIPT No matching script.");
    assert_int_equal(reply.integer(), 0);
  });
  with_reply("$-1\r\n", [](const Reply& reply) { assert_true(reply.ok() && reply.is_null()); });
  with_reply("*-1\r\n", [](const Reply& reply) { assert_true(reply.ok() && reply.is_null()); });
  with_reply("*0\r\n", [](const Reply& reply) {
    assert_true(reply.is_array() && !reply.is_null());
    assert_int_equal(reply.size(), 0);
    assert_true(reply[0].is_null());
  });
  with_reply("*3\r\n:1\r\n*1\r\n$1\r\na\r\n-ERR no\r\n", [](const Reply& reply) {
    assert_true(reply.ok() && reply.is_array());
    assert_int_equal(reply.size(), 3);
    assert_int_equal(reply[0].integer(), 1);
    expect_text(reply[1][0].text(), "a");
    assert_true(reply[2].fault() == Fault::error);
    assert_true(reply[3].is_null());
    assert_true(reply[1][0][7][7].is_null());
  });
}

void faults(void**) {
  const Reply reply(Fault::timeout);
  assert_true(reply.fault() == Fault::timeout && !reply.ok());
  assert_true(reply.is_null() && !reply.is_text() && !reply.is_array());
  expect_text(reply.text(), "");
  assert_true(reply[0].is_null());
}

void several_at_once(void**) {
  Reader reader;
  assert_true(reader.start());
  assert_true(reader.feed(":1\r\n:2\r\n:3\r\n"));
  std::int64_t sum = 0;
  assert_true(reader.drain([&](const Reply& reply) {
    sum = 10 * sum + reply.integer();
    return sum < 12;
  }));
  assert_int_equal(sum, 12);
  assert_true(reader.drain([&](const Reply& reply) {
    sum = 10 * sum + reply.integer();
    return true;
  }));
  assert_int_equal(sum, 123);
}

// Replies that outgrow what the reader has at hand, in pieces, one after the other.
void large(void**) {
  Reader reader;
  assert_true(reader.start());
  for (int round = 0; round < 3; ++round) {
    std::string bytes = "*1000\r\n";
    for (int i = 0; i < 1000; ++i)
      bytes += "*2\r\n:" + std::to_string(i) + "\r\n$7\r\nround " + std::to_string(round) + "\r\n";
    int replies = 0;
    for (std::size_t at = 0; at < bytes.size(); at += 777) {
      assert_true(reader.feed(std::string_view(bytes).substr(at, 777)));
      assert_true(reader.drain([&](const Reply& reply) {
        ++replies;
        assert_int_equal(reply.size(), 1000);
        for (std::size_t i = 0; i < reply.size(); ++i) {
          assert_int_equal(reply[i][0].integer(), i);
          expect_text(reply[i][1].text(), "round " + std::to_string(round));
        }
        return true;
      }));
    }
    assert_int_equal(replies, 1);
  }
}

// RESP3 was not asked for.
void other_protocol(void**) {
  assert_false(understood(",3.14\r\n"));
  assert_false(understood("#t\r\n"));
}

// The reader may be given up from within, or be started anew.
void stopped_from_within(void**) {
  Reader reader;
  assert_true(reader.start());
  assert_true(reader.feed("$1\r\na\r\n:2\r\n"));
  assert_true(reader.drain([&](const Reply& reply) {
    reader.stop();
    expect_text(reply.text(), "a");
    assert_true(reader.start());
    expect_text(reply.text(), "a");
    return false;
  }));
  assert_true(reader.feed("$1\r\nb\r\n"));
  assert_true(reader.drain([](const Reply& reply) {
    expect_text(reply.text(), "b");
    return true;
  }));
}

void nonsense(void**) {
  assert_false(understood("HTTP/1.1 400 Bad Request\r\n\r\n"));
  assert_false(understood(std::string_view("\0\xff\r\n", 4)));
  assert_false(understood("$x\r\n"));
  std::string deep;
  for (int i = 0; i < 20; ++i) deep += "*1\r\n";
  assert_false(understood(deep + ":1\r\n"));
}

void bounds(void**) {
  // More elements than any reply of ours has are not made room for.
  assert_false(understood("*2147483647\r\n"));
  assert_false(understood("*65537\r\n"));
  assert_true(understood("*65536\r\n"));

  Reader reader;
  assert_true(reader.start());
  assert_true(reader.feed("$500000000\r\n"));
  const std::string some(64 << 10, 'x');
  std::size_t fed = 0;
  while (reader.feed(some) && reader.drain([](const Reply&) { return true; })) {
    fed += some.size();
    assert_true(fed <= Reader::kMostBytes);
  }
  assert_true(fed > Reader::kMostBytes / 2);
  // Many small ones are no large one.
  assert_true(reader.start());
  for (int i = 0; i < 100'000; ++i) {
    assert_true(reader.feed("$20\r\naaaaaaaaaaaaaaaaaaaa\r\n"));
    assert_true(reader.drain([](const Reply&) { return true; }));
  }
}

// Each array has room for what it announces before any of that has come.
void arrays_announce_no_more_than_can_come(void**) {
  Reader reader;
  assert_true(reader.start());
  const std::string array = "*" + std::to_string(Reader::kMostElements) + "\r\n";
  std::size_t arrays = 0;
  while (arrays < 7 && reader.feed(array) &&
         reader.drain([](const Reply&) noexcept { return true; })) {
    ++arrays;
  }
  assert_int_equal(arrays, Reader::kMostBytes / 3 / Reader::kMostElements);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(kinds),
                              cmocka_unit_test(faults),
                              cmocka_unit_test(several_at_once),
                              cmocka_unit_test(large),
                              cmocka_unit_test(other_protocol),
                              cmocka_unit_test(stopped_from_within),
                              cmocka_unit_test(nonsense),
                              cmocka_unit_test(bounds),
                              cmocka_unit_test(arrays_announce_no_more_than_can_come)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
