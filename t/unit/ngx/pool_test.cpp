// Objects in pools, strings, the fence, directives and values.

#include <stdexcept>

#include "ngx/config.h"
#include "ngx/fence.h"
#include "ngx/pool.h"
#include "ngx/strings.h"
#include "nginx_stub.h"

namespace {

using namespace guard;

int alive = 0;

struct Counted {
  explicit Counted(bool fails = false) {
    if (fails) throw std::runtime_error("constructor");
    ++alive;
  }
  ~Counted() { --alive; }
  std::string text = "x";
};

void pool_objects_end_with_the_pool(void**) {
  {
    stub::Pool pool;
    assert_string_equal(ngx::pool_new<Counted>(pool.get())->text.c_str(), "x");
    ngx::pool_new<Counted>(pool.get());
    assert_int_equal(alive, 2);
  }
  assert_int_equal(alive, 0);
}

void a_constructor_that_throws_leaves_no_destructor(void**) {
  {
    stub::Pool pool;
    bool thrown = false;
    try {
      ngx::pool_new<Counted>(pool.get(), true);
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    assert_true(thrown);
  }
  assert_int_equal(alive, 0);
}

void out_of_memory_throws(void**) {
  stub::Pool pool;
  for (long left : {0L, 1L}) {
    stub::allocations_left = left;
    bool thrown = false;
    try {
      ngx::pool_new<Counted>(pool.get());
    } catch (const std::bad_alloc&) {
      thrown = true;
    }
    assert_true(thrown);
  }
  stub::allocations_left = -1;
}

void strings_go_both_ways(void**) {
  stub::Pool pool;
  assert_true(ngx::to_view(ngx_str_t{0, nullptr}).empty());
  ngx_str_t copied = ngx::copy(pool.get(), "abc");
  assert_true(ngx::to_view(copied) == "abc");
  assert_int_equal(copied.data[3], 0);
  assert_true(ngx::to_view(ngx::copy(pool.get(), {})).empty());
  assert_non_null(ngx::copy(pool.get(), {}).data);
  stub::allocations_left = 0;
  assert_null(ngx::copy(pool.get(), "abc").data);
  stub::allocations_left = -1;
  ngx_variable_value_t missing{};
  missing.len = 3;
  assert_true(ngx::to_view(missing).empty());
}

struct Settings {
  std::string word;
};

void set_word(ngx_conf_t*, core::Words& words, Settings& settings) {
  if (words[0] == "bad") core::fail("bad word \"", words[0], "\"");
  if (words[0] == "odd") throw 7;
  if (words[0] == "logged") throw ngx::AlreadyLogged{};
  settings.word = words[0];
}

char* set(stub::Conf& conf, Settings& settings) {
  stub::logged.clear();
  return ngx::directive<set_word>(conf.get(), nullptr, &settings);
}

void the_fence_turns_exceptions_into_one_line(void**) {
  Settings settings;
  stub::Conf good({"guard_x", "word"});
  assert_ptr_equal(set(good, settings), NGX_CONF_OK);
  assert_string_equal(settings.word.c_str(), "word");
  assert_int_equal(stub::logged.size(), 0);

  stub::Conf bad({"guard_x", "bad"});
  assert_ptr_equal(set(bad, settings), NGX_CONF_ERROR);
  assert_int_equal(stub::logged.size(), 1);
  assert_string_equal(stub::logged[0].c_str(), "emerg: bad word \"bad\"");

  stub::Conf odd({"guard_x", "odd"});
  assert_ptr_equal(set(odd, settings), NGX_CONF_ERROR);
  assert_int_equal(stub::logged.size(), 1);

  stub::Conf logged({"guard_x", "logged"});
  assert_ptr_equal(set(logged, settings), NGX_CONF_ERROR);
  assert_int_equal(stub::logged.size(), 0);
}

void create_conf_answers_null_without_memory(void**) {
  stub::Conf conf;
  assert_non_null(ngx::create_conf<Settings>(conf.get()));
  stub::allocations_left = 0;
  assert_null(ngx::create_conf<Settings>(conf.get()));
  stub::allocations_left = -1;
}

void values_know_what_they_hold(void**) {
  stub::Conf conf;
  ngx::Value constant(conf.get(), "plain");
  assert_true(constant.is_constant());
  assert_true(*constant.evaluate(nullptr) == "plain");
  ngx::Value variable(conf.get(), "a$b");
  assert_false(variable.is_constant());
  assert_false(variable.evaluate(nullptr).has_value());
  assert_false(static_cast<bool>(ngx::Value()));
  bool thrown = false;
  try {
    ngx::Value unknown(conf.get(), "$unknown");
  } catch (const ngx::AlreadyLogged&) {
    thrown = true;
  }
  assert_true(thrown);
}

void variables_are_found_in_text(void**) {
  auto names = ngx::variables_in("$a-${b_c}x$$d${");
  assert_int_equal(names.size(), 3);
  assert_true(names[0] == "a" && names[1] == "b_c" && names[2] == "d");
  assert_true(ngx::variables_in("").empty());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(pool_objects_end_with_the_pool),
      cmocka_unit_test(a_constructor_that_throws_leaves_no_destructor),
      cmocka_unit_test(out_of_memory_throws),
      cmocka_unit_test(strings_go_both_ways),
      cmocka_unit_test(the_fence_turns_exceptions_into_one_line),
      cmocka_unit_test(create_conf_answers_null_without_memory),
      cmocka_unit_test(values_know_what_they_hold),
      cmocka_unit_test(variables_are_found_in_text),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
