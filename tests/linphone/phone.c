/* A phone without a screen, made of liblinphone: it registers, publishes its presence and watches its friends as its
 * configuration says (tests/peers/linphone.rs writes it). linphonec would do but for two things: it has no command
 * that changes the presence, and does not say what it hears of its friends.
 *
 *   phone CONFIGURATION [LIST]
 *
 * It watches those on the list of that URI too, whoever they are.
 *
 * It reads one word a line, what it is to publish: online, busy, dnd, offline; and ends when there are no more.
 * It prints a line for each thing that happens: "registration STATE", "friend URI STATUS ACTIVITY".
 */
#include <linphone/core.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <poll.h>

static void registration(LinphoneCore *core, LinphoneProxyConfig *proxy, LinphoneRegistrationState state,
                         const char *message) {
	(void)core, (void)proxy, (void)message;
	printf("registration %s\n", linphone_registration_state_to_string(state));
}

static const char *status(LinphoneConsolidatedPresence presence) {
	switch (presence) {
	case LinphoneConsolidatedPresenceOnline: return "online";
	case LinphoneConsolidatedPresenceBusy: return "busy";
	case LinphoneConsolidatedPresenceDoNotDisturb: return "dnd";
	case LinphoneConsolidatedPresenceOffline: return "offline";
	}
	return "?";
}

static void presence(LinphoneCore *core, LinphoneFriend *friend) {
	(void)core;
	char *uri = linphone_address_as_string_uri_only(linphone_friend_get_address(friend));
	const LinphonePresenceModel *model = linphone_friend_get_presence_model(friend);
	LinphonePresenceActivity *activity = model ? linphone_presence_model_get_activity(model) : NULL;
	char *name = activity ? linphone_presence_activity_to_string(activity) : NULL;
	printf("friend %s %s %s\n", uri, status(linphone_friend_get_consolidated_presence(friend)), name ? name : "-");
	ms_free(uri);
	if (name) ms_free(name);
}

static void obey(LinphoneCore *core, const char *word) {
	static const struct {
		const char *word;
		LinphoneConsolidatedPresence presence;
	} known[] = {
	    {"online", LinphoneConsolidatedPresenceOnline},
	    {"busy", LinphoneConsolidatedPresenceBusy},
	    {"dnd", LinphoneConsolidatedPresenceDoNotDisturb},
	    {"offline", LinphoneConsolidatedPresenceOffline},
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strcmp(word, known[i].word) == 0) {
			linphone_core_set_consolidated_presence(core, known[i].presence);
			return;
		}
	}
	fprintf(stderr, "what is %s?\n", word);
}

static void watch_list(LinphoneCore *core, const char *uri) {
	LinphoneFriendList *list = linphone_core_create_friend_list(core);
	LinphoneAddress *address = linphone_factory_create_address(linphone_factory_get(), uri);
	linphone_friend_list_set_rls_address(list, address);
	/* The server knows who is on it. */
	linphone_friend_list_set_subscription_bodyless(list, TRUE);
	linphone_core_add_friend_list(core, list);
	linphone_friend_list_enable_subscriptions(list, TRUE);
	linphone_friend_list_update_subscriptions(list);
	linphone_address_unref(address);
	linphone_friend_list_unref(list);
}

int main(int count, char **arguments) {
	if (count != 2 && count != 3) return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	LinphoneFactory *factory = linphone_factory_get();
	LinphoneCore *core = linphone_factory_create_core_3(factory, arguments[1], NULL, NULL);
	LinphoneCoreCbs *callbacks = linphone_factory_create_core_cbs(factory);
	linphone_core_cbs_set_registration_state_changed(callbacks, registration);
	linphone_core_cbs_set_notify_presence_received(callbacks, presence);
	linphone_core_add_callbacks(core, callbacks);
	linphone_core_start(core);
	/* It takes the network for dead where there is no way to the Internet. */
	linphone_core_set_network_reachable(core, TRUE);
	if (count == 3) watch_list(core, arguments[2]);

	char line[64];
	size_t used = 0;
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	for (;;) {
		linphone_core_iterate(core);
		if (poll(&input, 1, 20) <= 0) continue;
		char byte;
		if (read(STDIN_FILENO, &byte, 1) != 1) break;
		if (byte != '\n') {
			if (used < sizeof line - 1) line[used++] = byte;
			continue;
		}
		line[used] = '\0';
		used = 0;
		obey(core, line);
	}
	linphone_core_stop(core);
	linphone_core_cbs_unref(callbacks);
	linphone_core_unref(core);
	return 0;
}
