#include "redis/cluster.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <new>
#include <span>

namespace guard::redis {

namespace {

constexpr std::uint16_t kNobody = SlotMap::kNobody;
constexpr ngx_msec_t kMinute = 60'000;
constexpr ngx_msec_t kCalm = 10'000;  // without a question: the pauses begin anew
constexpr ngx_msec_t kTryAgain = 10;  // a slot is being moved
constexpr ngx_msec_t kSweep = 1000;
constexpr ngx_msec_t kBelief = 1000;
constexpr std::size_t kMostAsked = 8;          // nodes of one round, besides the seeds
constexpr std::uint32_t kMostProbes = 65'536;  // numbers that are tried for a probe key
constexpr std::string_view kProbe = "probe:{";

// The cluster, or the node's part in it, is not as it was.
bool is_change(std::string_view error) noexcept {
  return error.starts_with("CLUSTERDOWN") || error.starts_with("MASTERDOWN") ||
         error.starts_with("READONLY") || error.starts_with("LOADING");
}

// "host:port" or "[address]:port"; answers its size.
std::size_t write_address(const ngx::Endpoint& endpoint, char* out) noexcept {
  const bool brackets = endpoint.host().find(':') != std::string_view::npos;
  char* end = out;
  if (brackets) *end++ = '[';
  end = std::ranges::copy(endpoint.host(), end).out;
  if (brackets) *end++ = ']';
  *end++ = ':';
  end = std::to_chars(end, end + 5, endpoint.port).ptr;
  return static_cast<std::size_t>(end - out);
}

std::string_view join(std::span<char> text,
                      std::initializer_list<std::string_view> parts) noexcept {
  std::size_t size = 0;
  for (std::string_view part : parts) size += part.copy(text.data() + size, text.size() - size);
  return {text.data(), size};
}

}  // namespace

Cluster::Cluster(Client& client)
    : Topology(client),
      inquiry_(
          *this, client,
          {"a node of the cluster", client.settings().policy.user, client.settings().password}),
      timer_([](void* self) noexcept { static_cast<Cluster*>(self)->ask(); }, this, false),
      retry_([](void* self) noexcept { static_cast<Cluster*>(self)->client().release(); }, this,
             false),
      sweep_timer_(
          [](void* self) noexcept {
            auto& cluster = *static_cast<Cluster*>(self);
            cluster.sweep(cluster.client().timeout() + kSweep);
          },
          this, false) {
  owners_.fill(kNobody);
  candidates_.reserve(kMostAsked);
}

// Commands

Link* Cluster::route(const Command& command) noexcept {
  if (!known_) return nullptr;
  if (command.route.empty()) return any();
  const std::uint16_t owner = owners_[slot_of(command.route)];
  if (owner == kNobody) {
    ask_soon();
    return nullptr;
  }
  Node& node = *nodes_[owner];
  node.used = ngx_current_msec;
  return node.server.pick();
}

Link* Cluster::any() noexcept {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    next_ = next_ + 1 < nodes_.size() ? next_ + 1 : 0;
    if (nodes_[next_] == nullptr || !nodes_[next_]->mapped) continue;
    if (Link* link = nodes_[next_]->server.pick()) return link;
  }
  return nullptr;
}

bool Cluster::available() const noexcept {
  if (!known_) return !in_vain_;
  return std::ranges::any_of(
      nodes_, [](const auto& node) { return node && node->mapped && node->server.usable(); });
}

Standing Cluster::standing() const noexcept {
  if (!known_) return in_vain_ ? Standing::broken : Standing::unsure;
  Standing all = hole_ == kSlots ? Standing::whole : Standing::broken;
  for (const auto& node : nodes_) {
    if (node == nullptr || !node->mapped) continue;
    all = std::max(all, node->server.standing());
  }
  return all;
}

bool Cluster::redirect(Command& command, const Reply& reply, Link& from) noexcept {
  const std::string_view error = reply.text();
  if (!is_redirection(error)) {
    if (is_change(error)) ask_soon();
    return false;
  }
  const std::optional<Redirection> to = read_redirection(error);
  std::uint16_t index = kNobody;
  if (to) {
    const std::uint16_t sender = find(from);
    const bool same_host = to->host.empty() && sender != kNobody;
    index = target(same_host ? nodes_[sender]->endpoint.host() : to->host, to->port);
  }
  if (!to || !to->ask) ask_soon();
  if (index == kNobody) {
    // TRYAGAIN, or nowhere to go before the map is known anew.
    client().hold(command);
    if (!retry_.running()) retry_.start(kTryAgain);
    return true;
  }
  if (!to->ask) owners_[to->slot] = index;
  if (client().hops(command) == kMostHops) return false;
  Link* link = nodes_[index]->server.pick();
  if (link == nullptr) {
    client().fail(command, Fault::unavailable);
  } else {
    client().send_on(command, *link, to->ask);
  }
  return true;
}

// Nodes

std::uint16_t Cluster::find(const Link& link) const noexcept {
  const auto found = std::ranges::find_if(
      nodes_, [&](const auto& node) { return node && node->server.has(link); });
  return found == nodes_.end() ? kNobody : static_cast<std::uint16_t>(found - nodes_.begin());
}

std::uint16_t Cluster::find(std::string_view host, in_port_t port) const noexcept {
  const auto found = std::ranges::find_if(nodes_, [&](const auto& node) {
    return node && node->endpoint.port == port && node->endpoint.host() == host;
  });
  return found == nodes_.end() ? kNobody : static_cast<std::uint16_t>(found - nodes_.begin());
}

// Others know better whether a node is there, but one that is not must not be tried all the time.
void Cluster::believe(Node& node) noexcept {
  if (node.server.usable() || ngx_current_msec - node.renewed < kBelief) return;
  node.renewed = ngx_current_msec;
  node.server.renew();
}

// A node to which a command is sent on: it may be one that has no slots yet.
std::uint16_t Cluster::target(std::string_view host, in_port_t port) noexcept {
  std::uint16_t index = find(host, port);
  if (index == kNobody) {
    const auto strays =
        std::ranges::count_if(nodes_, [](const auto& node) { return node && !node->mapped; });
    if (static_cast<std::size_t>(strays) >= kMostStrays) return kNobody;
    index = add(host, {}, port);
    if (index == kNobody) return kNobody;
    nodes_[index]->server.start();
    if (!sweep_timer_.running()) sweep_timer_.start(kSweep);
  }
  nodes_[index]->used = ngx_current_msec;
  believe(*nodes_[index]);
  return index;
}

// One that is not mapped and not started. kNobody: out of memory, or no host.
std::uint16_t Cluster::add(std::string_view host, std::string_view address,
                           in_port_t port) noexcept {
  try {
    auto node = std::make_unique<Node>(*this, client());
    if (!ngx::set_endpoint(node->endpoint, host, port)) return kNobody;
    set_address(node->endpoint, address);
    auto gap = std::ranges::find_if(nodes_, [](const auto& one) { return one == nullptr; });
    if (gap == nodes_.end()) gap = nodes_.insert(gap, nullptr);
    *gap = std::move(node);
    return static_cast<std::uint16_t>(gap - nodes_.begin());
  } catch (const std::bad_alloc&) {
    return kNobody;
  }
}

// Where there is no resolver, a name has the address that the cluster tells, or else that of a host
// of the URL.
void Cluster::set_address(ngx::Endpoint& endpoint, std::string_view address) noexcept {
  if (!endpoint.is_name) return;
  ngx::Endpoint known;
  if (!address.empty() && ngx::set_endpoint(known, address, endpoint.port) && !known.is_name) {
    return ngx::set_addresses(endpoint, known);
  }
  set_known_address(endpoint);
}

const ngx::Endpoint* Cluster::endpoint(const Link& link) noexcept {
  const std::uint16_t index = find(link);
  return index == kNobody ? nullptr : &nodes_[index]->endpoint;
}

void Cluster::went_down(Link& link) noexcept {
  const std::uint16_t index = find(link);
  if (index == kNobody || !nodes_[index]->mapped) return;
  const Node& node = *nodes_[index];
  if (lost_size_ == 0 && !node.server.usable()) {
    lost_size_ = write_address(node.endpoint, lost_.data());
    std::array<char, 600> text;
    client().reconsider(join(text, {"node ", {lost_.data(), lost_size_}, ": ", link.why()}));
  }
  ask_soon();
}

// If all that are needed are there.
void Cluster::recover() noexcept {
  if (standing() != Standing::whole) return;
  std::array<char, 600> text;
  const std::string_view lost(lost_.data(), lost_size_);
  client().reconsider(lost.empty() ? lost : join(text, {"the slots of ", lost, " are served"}));
  lost_size_ = 0;
}

// The keys of a slot that nobody has are served by nobody, however well the nodes are.
void Cluster::find_hole() noexcept {
  hole_ = static_cast<std::size_t>(std::ranges::find(owners_, kNobody) - owners_.begin());
  if (hole_ == kSlots) return;
  std::array<char, 8> digits;
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), hole_).ptr;
  std::array<char, 64> text;
  client().reconsider(join(
      text, {"nobody has slot ", {digits.data(), static_cast<std::size_t>(end - digits.data())}}));
}

// Some key in a slot of this node's.
std::string_view Cluster::probe_key(const Link& link) noexcept {
  const std::uint16_t index = find(link);
  if (index == kNobody || !nodes_[index]->mapped) return {};
  std::uint32_t& number = nodes_[index]->probe;
  for (std::uint32_t i = 0; i < kMostProbes; ++i, number = (number + 1) % kMostProbes) {
    char* begin = std::ranges::copy(kProbe, probe_key_.begin()).out;
    char* end = std::to_chars(begin, probe_key_.end() - 1, number).ptr;
    const std::string_view tag(begin, static_cast<std::size_t>(end - begin));
    if (owners_[slot_of(tag)] != index) continue;
    *end = '}';
    return {probe_key_.data(), kProbe.size() + tag.size() + 1};
  }
  return {};
}

// Closes those that are of no use any more: all that was sent to them has been answered, or is too
// late.
void Cluster::sweep(ngx_msec_t unused) noexcept {
  bool more = false;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i] == nullptr || nodes_[i]->mapped) continue;
    if (ngx_current_msec - nodes_[i]->used < unused) {
      more = true;
      continue;
    }
    std::ranges::replace(owners_, static_cast<std::uint16_t>(i), kNobody);
    nodes_[i]->server.end();
    nodes_[i].reset();
  }
  while (!nodes_.empty() && nodes_.back() == nullptr) nodes_.pop_back();
  if (more) sweep_timer_.start(kSweep);
}

// The map

// Never at once, so that nothing changes under whoever calls.
void Cluster::ask_soon() noexcept {
  if (inquiry_.asking() || soon_) return;
  const ngx_msec_t since = ngx_current_msec - asked_;
  soon_ = true;
  timer_.start(since < pause_ ? pause_ - since : 1);
}

void Cluster::ask_later() noexcept {
  if (soon_) return;
  // Many workers need not ask in step.
  timer_.start(kMinute - static_cast<ngx_msec_t>(ngx_random()) % (kMinute / 4));
}

void Cluster::ask() noexcept {
  if (inquiry_.asking()) return;
  soon_ = false;
  timer_.stop();
  if (ngx_current_msec - asked_ >= kCalm) backoff_.reset();
  pause_ = static_cast<ngx_msec_t>(backoff_.next(static_cast<std::uint64_t>(ngx_random())));
  asked_ = ngx_current_msec;

  // Some of those that work, whoever they are: one alone may have lost touch with the others.
  candidates_.clear();
  const std::size_t begin =
      nodes_.empty() ? 0 : static_cast<std::size_t>(ngx_random()) % nodes_.size();
  for (std::size_t i = 0; i < nodes_.size() && candidates_.size() < kMostAsked; ++i) {
    const std::size_t index = (begin + i) % nodes_.size();
    if (nodes_[index] == nullptr || !nodes_[index]->mapped) continue;
    if (nodes_[index]->server.usable()) candidates_.push_back(static_cast<std::uint16_t>(index));
  }
  inquiry_.ask();
}

const ngx::Endpoint* Cluster::candidate(std::size_t i) noexcept {
  const auto& seeds = *client().settings().endpoints;
  if (i < candidates_.size()) {
    const auto& node = nodes_[candidates_[i]];
    return node != nullptr ? &node->endpoint : &seeds[first_seed_];
  }
  i -= candidates_.size();
  return i < seeds.size() ? &seeds[(first_seed_ + i) % seeds.size()] : nullptr;
}

void Cluster::put_question(Output& output) noexcept {
  output.begin(2);
  output.bulk("CLUSTER");
  output.bulk("SLOTS");
}

std::string_view Cluster::on_answer(const Reply& reply, std::size_t i,
                                    const ngx::Endpoint& who) noexcept {
  try {
    auto map = std::make_unique<SlotMap>();
    const std::string_view problem = map->read(reply, who.host());
    if (!problem.empty()) return problem;
    adopt(*map);
  } catch (const std::bad_alloc&) {
    return "out of memory";
  }
  if (i >= candidates_.size()) {
    const std::size_t seeds = client().settings().endpoints->size();
    first_seed_ = (first_seed_ + i - candidates_.size()) % seeds;
  }
  hole_ == kSlots ? ask_later() : ask_soon();
  client().release();
  return {};
}

void Cluster::on_silence() noexcept {
  if (!known_) {
    in_vain_ = true;
    client().reconsider(why());
  }
  client().release();
  ask_soon();
}

// Nobody must see the half of it: available() is asked as soon as a link fails.
void Cluster::adopt(const SlotMap& map) {
  std::array<std::uint16_t, SlotMap::kMostNodes> index{};
  std::vector<bool> mapped(nodes_.size() + map.nodes().size());
  std::vector<std::uint16_t> added;
  std::vector<std::uint16_t> back;
  added.reserve(map.nodes().size());
  back.reserve(map.nodes().size());
  for (std::size_t i = 0; i < map.nodes().size(); ++i) {
    const ClusterNode& told = map.nodes()[i];
    index[i] = find(told.host, told.port);
    if (index[i] == kNobody) {
      index[i] = add(told.host, told.address, told.port);
      if (index[i] == kNobody) continue;
      added.push_back(index[i]);
    } else {
      set_address(nodes_[index[i]]->endpoint, told.address);
      if (!nodes_[index[i]]->mapped) back.push_back(index[i]);
    }
    mapped[index[i]] = true;
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i] == nullptr) continue;
    if (nodes_[i]->mapped && !mapped[i]) nodes_[i]->used = ngx_current_msec;
    nodes_[i]->mapped = mapped[i];
  }
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    const std::uint16_t owner = map.owner(slot);
    owners_[slot] = owner == kNobody ? kNobody : index[owner];
  }
  known_ = true;
  in_vain_ = false;
  for (std::uint16_t one : added) nodes_[one]->server.start();
  for (std::uint16_t one : back) believe(*nodes_[one]);
  find_hole();
  // Whoever was lost may not be needed any more.
  recover();
  // However fast nodes come and go.
  sweep(nodes_.size() > 2 * SlotMap::kMostNodes ? 0 : client().timeout() + kSweep);
}

}  // namespace guard::redis
