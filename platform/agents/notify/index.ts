/** Who is told that a run is over: without launchers and their clients. */
export { type DeliverOptions, deliver } from './deliver.ts'
export { type Delivery, DeliveryError, type RunEnded } from './delivery.ts'
export { type Destination, destination, shownDestination } from './destination.ts'
export { deliveryOf, testDelivery } from './event.ts'
export { type Notifier, type NotifierOptions, notifier } from './notifier.ts'
export { type ReceivedWebhook, verifySignature } from './signature.ts'
