//! Who connects, is subscribed to what, and publishes where.

use crate::options::{Mode, Options};

/// What one client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    /// The channel it is in.
    pub(crate) channel: u32,
    pub(crate) subscribes: bool,
    /// Its number, if it publishes.
    pub(crate) publisher: Option<u32>,
    /// Whether it stops reading when the time has come.
    pub(crate) is_slow: bool,
}

/// Everybody's role, and what follows from them.
#[derive(Debug)]
pub(crate) struct Plan {
    /// One for each connection.
    pub(crate) roles: Vec<Role>,
    /// Names of the channels.
    pub(crate) channels: Vec<String>,
    /// Indices of the roles that publish, by number.
    pub(crate) publishers: Vec<usize>,
    /// The publisher `number` is the `number % per_channel`th of the channel `number / per_channel`.
    pub(crate) per_channel: u32,
    /// Deliveries that are due for each publication: the slow do not count.
    pub(crate) fan: u64,
}

impl Plan {
    pub(crate) fn new(options: &Options) -> Self {
        let shape = Shape::of(options);
        let mut roles = Vec::new();
        let mut publishers = Vec::new();
        for channel in 0..shape.channels {
            let subscriber = |member: u32| Role {
                channel,
                subscribes: true,
                publisher: None,
                is_slow: member < shape.slow,
            };
            roles.extend((0..shape.subscribers).map(subscriber));
            for publisher in 0..shape.publishers {
                publishers.push(roles.len());
                roles.push(Role {
                    channel,
                    subscribes: shape.publishers_listen,
                    publisher: Some(channel * shape.publishers + publisher),
                    is_slow: false,
                });
            }
        }
        let listening = if shape.publishers_listen {
            shape.publishers
        } else {
            0
        };
        let name = |channel| format!("{}-{channel}", options.channel);
        Self {
            roles,
            channels: (0..shape.channels).map(name).collect(),
            publishers,
            per_channel: shape.publishers.max(1),
            fan: u64::from(shape.subscribers - shape.slow + listening).max(1),
        }
    }

    /// The publishers' numbers in the order in which they take turns: channel by channel, then
    /// the next of each channel.
    pub(crate) fn turns(&self) -> Vec<usize> {
        let per_channel = usize::try_from(self.per_channel).unwrap_or(1);
        let of_each = |nth| (nth..self.publishers.len()).step_by(per_channel);
        (0..per_channel).flat_map(of_each).collect()
    }
}

/// How many of each there are in a channel.
struct Shape {
    channels: u32,
    subscribers: u32,
    publishers: u32,
    publishers_listen: bool,
    slow: u32,
}

impl Shape {
    fn of(options: &Options) -> Self {
        let (channels, subscribers, publishers) = match options.mode {
            Mode::Fanout => (options.channels, options.subs, 1),
            Mode::Chat => (options.channels, 0, options.members),
            Mode::Idle | Mode::Storm => (options.conns, 1, 0),
            Mode::Slow => (1, options.subs, 1),
        };
        Self {
            channels,
            subscribers,
            publishers,
            publishers_listen: options.mode == Mode::Chat,
            slow: if options.mode == Mode::Slow {
                options.slow
            } else {
                0
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Plan;
    use crate::dialect::Dialect;
    use crate::options::{Mode, Options};
    use crate::target::Target;

    fn plan(mode: Mode, change: impl FnOnce(&mut Options)) -> Plan {
        let target = Target::parse("ws://127.0.0.1:1", "/").expect("an address");
        let mut options = Options::new(mode, target, Dialect::CentrifugeJson);
        change(&mut options);
        Plan::new(&options)
    }

    #[test]
    fn a_fanout_has_a_publisher_beside_the_subscribers() {
        let plan = plan(Mode::Fanout, |options| {
            (options.subs, options.channels) = (3, 2)
        });
        assert_eq!((plan.roles.len(), plan.fan), (8, 3));
        assert_eq!(plan.publishers, [3, 7]);
        assert_eq!(plan.channels, ["bench-0", "bench-1"]);
        assert!(!plan.roles[3].subscribes);
        assert_eq!(plan.roles[7].publisher, Some(1));
    }

    #[test]
    fn in_a_chat_everyone_does_both_and_the_channels_take_turns() {
        let plan = plan(Mode::Chat, |options| {
            (options.members, options.channels) = (2, 3)
        });
        assert_eq!((plan.roles.len(), plan.fan, plan.per_channel), (6, 2, 2));
        assert!(
            plan.roles
                .iter()
                .all(|role| role.subscribes && role.publisher.is_some())
        );
        assert_eq!(plan.turns(), [0, 2, 4, 1, 3, 5]);
    }

    #[test]
    fn the_slow_are_not_waited_for() {
        let plan = plan(Mode::Slow, |options| (options.subs, options.slow) = (10, 2));
        assert_eq!(plan.roles.iter().filter(|role| role.is_slow).count(), 2);
        assert_eq!(plan.fan, 8);
    }

    #[test]
    fn an_idle_connection_has_a_channel_of_its_own() {
        let plan = plan(Mode::Idle, |options| options.conns = 3);
        assert_eq!(
            (plan.roles.len(), plan.channels.len(), plan.publishers.len()),
            (3, 3, 0)
        );
    }
}
