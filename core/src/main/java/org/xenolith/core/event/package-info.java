/**
 * Event channels of one domain in the two-level layout: ports, their delivery into shared pages,
 * virtual interrupts. public/event_channel.h; Xen's common/event_channel.c and event_2l.c are the
 * model of behaviour. {@link org.xenolith.core.event.EventChannels} is the way in.
 */
package org.xenolith.core.event;
